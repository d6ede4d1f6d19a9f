// The wire format between host and guest agent. Its twin is guest/agent/protocol/protocol.go: same order, same names, and both
// decode test/vectors/frames.json. A frame is length (u32, big endian, of the payload), type (u8), payload. Half-close does not
// cross vsock, so the end of a stream is a frame too. The guest is hostile: a length over the limit ends the connection before
// a byte of it is kept. The operations are described in guest/CONTRACT.md.

/** Version of the contract in guest/CONTRACT.md. Both sides name theirs in every greeting. */
export const PROTOCOL_VERSION = 1;
/**
 * vsock port on which the agent serves HTTP. Nothing may be written between `CONNECT 1024\n` and the answer `OK <n>\n`:
 * vhost-device-vsock 0.3 reads the greeting through a buffer that it then drops, and what had come with it is lost.
 * Everything else (HTTP header and START frame) goes out in one write after the OK.
 */
export const AGENT_PORT = 1024;
/** vsock port of the host on which the agent's events arrive. */
export const EVENTS_PORT = 1025;
/** vsock port of the host on which it serves paths of its own Nix store, when some cannot lie below the guest's. */
export const CACHE_PORT = 1026;
/** Bytes of a frame's header. */
export const HEADER_SIZE = 5;
/** Largest payload that the host accepts, and sends, in bytes. The guest itself sends at most 16 KiB a frame. */
export const MAX_PAYLOAD: number = 64 * 1024;
/** Largest START payload in bytes: an argument list and an environment may be long. */
export const MAX_START: number = 4 * 1024 * 1024;
/**
 * Bytes of DATA frames, headers included, that are sent before a TAKEN frame says that the guest's side has some of them out of the
 * way. All fit into the 256 KiB that the guest's kernel keeps for a connection, so that the host's side of vsock never has to wait for
 * room: vhost-device-vsock 0.3 then forgets what it has buffered for the host, and both directions stand still for good.
 */
export const WINDOW: number = 192 * 1024;
/** Largest line of the event connection in bytes. */
export const MAX_EVENT_LINE: number = 8 * 1024;

export const FrameType = {
  START: 1,
  STARTED: 2,
  DATA: 3,
  STDERR: 4,
  EOF: 5,
  RESIZE: 6,
  SIGNAL: 7,
  EXIT: 8,
  ERROR: 9,
  TAKEN: 10,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

export interface Frame {
  readonly type: FrameType;
  readonly payload: Buffer;
}

/** One frame as bytes. The caller keeps to the limits; a violation is a bug of ours, hence the throw. */
export function encodeFrame(type: FrameType, payload: Uint8Array): Buffer {
  const limit = type === FrameType.START ? MAX_START : MAX_PAYLOAD;
  if (payload.length > limit) throw new RangeError(`frame of ${payload.length} bytes is over the limit of ${limit}`);
  const frame = Buffer.allocUnsafe(HEADER_SIZE + payload.length);
  frame.writeUInt32BE(payload.length, 0);
  frame.writeUInt8(type, 4);
  frame.set(payload, HEADER_SIZE);
  return frame;
}

/** One frame that carries JSON. */
export function encodeJson(type: FrameType, value: unknown): Buffer {
  return encodeFrame(type, Buffer.from(JSON.stringify(value)));
}

/** What a peer sent cannot be a frame. The connection is not usable any more. */
export class ProtocolError extends Error {}

/** Cuts a byte stream into frames. Keeps at most one incomplete frame, and copies each byte at most once. */
export class FrameDecoder {
  #pending: Buffer[] = [];
  #size = 0;
  /** Bytes that must be there before the next look: joining earlier would copy a slow frame again with every byte of it. */
  #needed = HEADER_SIZE;

  /** The frames that `chunk` completes, in order. Throws ProtocolError on a length or type that cannot be. */
  push(chunk: Buffer): Frame[] {
    this.#pending.push(chunk);
    this.#size += chunk.length;
    const frames: Frame[] = [];
    if (this.#size < this.#needed) return frames;
    let buffer = this.#pending.length === 1 ? chunk : Buffer.concat(this.#pending, this.#size);
    this.#needed = HEADER_SIZE;
    while (buffer.length >= HEADER_SIZE) {
      const length = buffer.readUInt32BE(0);
      const type = buffer.readUInt8(4);
      if (length > MAX_PAYLOAD) throw new ProtocolError(`frame of ${length} bytes, the limit is ${MAX_PAYLOAD}`);
      if (type < FrameType.START || type > FrameType.TAKEN) throw new ProtocolError(`unknown frame type ${type}`);
      if (buffer.length < HEADER_SIZE + length) {
        this.#needed = HEADER_SIZE + length;
        break;
      }
      frames.push({ type: type as FrameType, payload: buffer.subarray(HEADER_SIZE, HEADER_SIZE + length) });
      buffer = buffer.subarray(HEADER_SIZE + length);
    }
    this.#pending = buffer.length === 0 ? [] : [buffer];
    this.#size = buffer.length;
    return frames;
  }

  /** Bytes of the frame that has not arrived whole. */
  get incomplete(): number {
    return this.#size;
  }
}
