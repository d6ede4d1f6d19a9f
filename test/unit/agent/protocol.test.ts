import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  encodeFrame,
  type Frame,
  FrameDecoder,
  FrameType,
  HEADER_SIZE,
  MAX_PAYLOAD,
  MAX_START,
  ProtocolError,
} from '../../../src/agent/protocol.ts';
import { below, mutated, pieces, randomBytes, randomFrom } from './random.ts';

interface Vectors {
  readonly valid: readonly { name: string; type: FrameType; text?: string; hexPayload?: string; hex: string }[];
  readonly invalid: readonly { name: string; hex: string }[];
}
const vectors = JSON.parse(readFileSync(new URL('../../vectors/frames.json', import.meta.url), 'utf8')) as Vectors;
const payloadOf = (vector: Vectors['valid'][number]): Buffer =>
  vector.hexPayload === undefined ? Buffer.from(vector.text ?? '') : Buffer.from(vector.hexPayload, 'hex');

describe('shared vectors', () => {
  test.each(vectors.valid)('$name: both ways', (vector) => {
    const payload = payloadOf(vector);
    expect(encodeFrame(vector.type, payload).toString('hex')).toBe(vector.hex);
    expect(new FrameDecoder().push(Buffer.from(vector.hex, 'hex'))).toEqual([{ type: vector.type, payload }]);
  });

  test.each(vectors.invalid)('$name is a violation', ({ hex }) => {
    expect(() => new FrameDecoder().push(Buffer.from(hex, 'hex'))).toThrow(ProtocolError);
  });
});

test('a frame is the same however its bytes are cut', () => {
  const random = randomFrom(1);
  const whole = Buffer.concat(vectors.valid.map((vector) => Buffer.from(vector.hex, 'hex')));
  for (let round = 0; round < 200; round += 1) {
    const decoder = new FrameDecoder();
    const frames = pieces(random, whole, 1 + below(random, 40)).flatMap((piece) => decoder.push(piece));
    expect(frames.map((frame) => frame.type)).toEqual(vectors.valid.map((vector) => vector.type));
    expect(Buffer.concat(frames.map((frame) => frame.payload))).toEqual(Buffer.concat(vectors.valid.map(payloadOf)));
    expect(decoder.incomplete).toBe(0);
  }
});

test('the largest payload passes, one byte more is refused before it is kept', () => {
  const largest = encodeFrame(FrameType.DATA, Buffer.alloc(MAX_PAYLOAD, 7));
  expect(new FrameDecoder().push(largest)[0]?.payload.length).toBe(MAX_PAYLOAD);
  const header = Buffer.from(largest.subarray(0, HEADER_SIZE));
  header.writeUInt32BE(MAX_PAYLOAD + 1, 0);
  expect(() => new FrameDecoder().push(header)).toThrow(/65537 bytes, the limit is 65536/);
});

test('a START may be long, nothing else that we send may', () => {
  expect(encodeFrame(FrameType.START, Buffer.alloc(MAX_START)).length).toBe(HEADER_SIZE + MAX_START);
  expect(() => encodeFrame(FrameType.START, Buffer.alloc(MAX_START + 1))).toThrow(RangeError);
  expect(() => encodeFrame(FrameType.DATA, Buffer.alloc(MAX_PAYLOAD + 1))).toThrow(RangeError);
});

test('a frame that comes byte by byte costs no more than its size', () => {
  const decoder = new FrameDecoder();
  const frame = encodeFrame(FrameType.DATA, Buffer.alloc(MAX_PAYLOAD, 1));
  const began = performance.now();
  let frames: Frame[] = [];
  for (const byte of frame) frames = decoder.push(Buffer.of(byte));
  expect(frames[0]?.payload.length).toBe(MAX_PAYLOAD);
  // Joining at every byte would copy two gigabytes.
  expect(performance.now() - began).toBeLessThan(2000);
});

test('whatever comes: frames or a ProtocolError, and never more than one frame kept', () => {
  const random = randomFrom(20261121);
  const valid = Buffer.concat(vectors.valid.map((vector) => Buffer.from(vector.hex, 'hex')));
  let violations = 0;
  for (let round = 0; round < 5000; round += 1) {
    const bytes = round % 3 === 0 ? randomBytes(random, below(random, 200)) : mutated(random, valid);
    const decoder = new FrameDecoder();
    try {
      for (const piece of pieces(random, bytes, 1 + below(random, 100))) {
        for (const frame of decoder.push(piece)) expect(frame.payload.length).toBeLessThanOrEqual(MAX_PAYLOAD);
        expect(decoder.incomplete).toBeLessThanOrEqual(HEADER_SIZE + MAX_PAYLOAD);
      }
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError);
      violations += 1;
    }
  }
  // The generator is worth something only when it reaches both ends.
  expect(violations).toBeGreaterThan(500);
  expect(violations).toBeLessThan(4900);
});
