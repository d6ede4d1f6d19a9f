// The fast way in: a command in a dev shell that is cached, in a VM that runs. The build makes one CommonJS file of it, because Node
// takes longer to load sixty modules than the rest takes. Whatever else is asked for, and whatever is not as it should be, is left to
// `main.ts`, which begins anew: nothing has run by then, and nothing was said.

import { VzshellError } from '../errors.ts';
import { developHost } from '../nix/develop-host.ts';
import { cachedEntrance } from '../nix/entrance.ts';
import { isOutdated } from '../nix/host-store/outdated.ts';
import { statePaths } from '../state/paths.ts';
import { isVerb } from './flags.ts';
import { covers, isGone, type Joined, joinRunning } from './join.ts';
import { parseFlags } from './parse-flags.ts';
import { makePlan } from './plan.ts';
import { run } from './run.ts';

/** Resolves with the exit code, or with null when this is not the way. */
export async function warm(argv: readonly string[]): Promise<number | null> {
  if (isVerb(argv[0])) return null;
  let joined: Joined | null = null;
  try {
    const { flags, command } = parseFlags(argv);
    if (flags.verbose === true || flags['no-cache'] === true) return null;
    const plan = await makePlan(flags);
    if (plan.name === null || (plan.hint !== null && command === null)) return null;
    joined = joinRunning(plan.name);
    if (joined === null || !covers(joined.record, plan.vm) || isOutdated(joined.record.spec)) return null;
    await joined.dialAhead();
    const { devShell, root } = plan;
    const options = { ...devShell, ...(root !== null && { flake: root }) };
    const host = developHost(joined.record, joined.context, statePaths().envs);
    const entrance = devShell === null ? null : cachedEntrance(host, options);
    if (devShell !== null && entrance === null) return null;
    return await run(joined, { plan, command, noStdin: flags['no-stdin'] === true }, entrance);
  } catch (error) {
    // What the guest has lost is evaluated again, and what has stopped is started again.
    const curable = isGone(error) || (error instanceof VzshellError && error.details?.reason === 'required-missing');
    if (joined === null || (curable && !joined.started())) return null;
    const { reportError } = await import('./report.ts');
    return reportError(error, false);
  }
}
