import { enterDevShell, type ReadyShell } from '../nix/develop.ts';
import { developHost } from '../nix/develop-host.ts';
import { statePaths } from '../state/paths.ts';
import type { Joined } from './join.ts';
import type { Plan } from './plan.ts';
import type { Progress } from './progress.ts';

/** The dev shell of the plan's project, with progress while it is evaluated. */
export async function openDevShell(joined: Joined, plan: Plan, progress: () => Promise<Progress>): Promise<ReadyShell> {
  const warnings: string[] = [];
  const entrance = await enterDevShell(developHost(joined.record, joined.context, statePaths().envs), {
    ...plan.devShell,
    ...(plan.root !== null && { flake: plan.root }),
    onProgress: (line) => void progress().then((shown) => show(shown, line)),
    onWarning: (message) => warnings.push(message),
  });
  if (warnings.length > 0) {
    const line = await progress();
    for (const warning of warnings) line.note(warning.replace(/^(.*)$(?![\s\S])/m, 'vzshell: $1'));
  }
  return entrance;
}

/** What Nix says to people stays; what it says about its progress is shown while it lasts. */
function show(progress: Progress, line: string): void {
  progress.phase('evaluating the dev shell');
  if (/^(?:warning:|evaluation warning:|trace:)/.test(line)) progress.note(line);
  else progress.detail(line);
}
