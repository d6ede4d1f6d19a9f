/** Milliseconds between two settings of the guest's clock; the agent leaves it alone when it did not drift. */
const EVERY = 10_000;
/** Milliseconds between two looks at our own clocks. */
const LOOK = 2_000;
/** The wall clock runs this many milliseconds ahead of the monotonic one in one look: the host slept, or was set. */
const JUMP = 1_000;

/** Keeps the guest's clock right: every ten seconds, and as soon as the host has woken up. Returns how to end it. */
export function keepTime(setTime: () => Promise<unknown>): () => void {
  let busy = false;
  let wall = Date.now();
  let steady = performance.now();
  let lastSet = steady;
  const look = (): void => {
    const jumped = Math.abs(Date.now() - wall - (performance.now() - steady)) > JUMP;
    wall = Date.now();
    steady = performance.now();
    if (busy || (!jumped && steady - lastSet < EVERY)) return;
    busy = true;
    lastSet = steady;
    // A clock that could not be set is no reason to stop: the event connection tells whether the agent lives.
    const done = (): void => {
      busy = false;
    };
    setTime().then(done, done);
  };
  const timer = setInterval(look, LOOK);
  return () => clearInterval(timer);
}
