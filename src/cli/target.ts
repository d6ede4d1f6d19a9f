import { VzshellError } from '../errors.ts';
import { currentDirectory, findProject } from '../project/find.ts';
import { projectVmName } from '../project/name.ts';
import { loadSettings } from '../project/settings.ts';
import { statePaths } from '../state/paths.ts';

/** The VM that a verb means: the one that is named, else that of the project around the current directory. */
export async function targetVm(named: string | undefined): Promise<string> {
  if (named !== undefined && named !== '') return named;
  const project = findProject(currentDirectory());
  const settings = await loadSettings(project?.root ?? null, statePaths().home);
  if (settings.name !== undefined) return settings.name;
  if (project !== null) return projectVmName(project.root);
  throw new VzshellError('ERR_INVALID_OPTION', 'no VM is named, and there is no project around the current directory', {
    hint: 'name one; `vzshell list` shows them',
  });
}
