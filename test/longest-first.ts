import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files of about a minute and more. What begins last should be short, or one worker waits for the other at the end. */
const LONG = [
  'volume/durability',
  'vm/failures',
  'vm/owner',
  'script/script',
  'develop/develop',
  'store/layers',
  'host/ordinary-user',
  'vm/start',
  'driver/boot',
  'volume/full',
  'driver/death',
  'vm/lifecycle',
  'cli/command',
  'contract/systemd',
  'contract/store',
  'contract/agent',
];

/** Begins with the files that are known to take long; everything else keeps vitest's own order. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONG.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return at < 0 ? LONG.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
