import { megabytes } from './problem.ts';

/** Where the fetching of an image is. */
export interface ImageProgress {
  readonly step: 'wait' | 'ask' | 'download' | 'unpack';
  /** What is fetched, as people call it. */
  readonly name: string;
  /** Bytes; 0 but while it downloads. */
  readonly received: number;
  /** Bytes; null when the server does not say. */
  readonly total: number | null;
}

export type OnImageProgress = (now: ImageProgress) => void;

/** One line for people. */
export function progressNote({ step, name, received, total }: ImageProgress): string {
  switch (step) {
    case 'wait':
      return 'another vzshell is at the images; waiting for it';
    case 'ask':
      return `asking for ${name}`;
    case 'download':
      if (total === null) return `fetching ${name}: ${megabytes(received)}`;
      return `fetching ${name}: ${Math.floor((received / total) * 100)} % of ${megabytes(total)}`;
    case 'unpack':
      return `unpacking ${name}`;
  }
}
