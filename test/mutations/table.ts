import { GUEST_SIDE } from './guest-side.ts';
import { HOST_SIDE } from './host-side.ts';
import type { Mutation } from './mutation.ts';

/** What is taken out, for each of T1 to T20 at least once. */
export const MUTATIONS: readonly Mutation[] = [...HOST_SIDE, ...GUEST_SIDE].sort(
  (a, b) => Number(a.test.slice(1)) - Number(b.test.slice(1)),
);
