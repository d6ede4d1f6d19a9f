import type { CommandContext } from './context.ts';
import { exec } from './exec.ts';
import { spawn } from './processes.ts';
import { templateWords } from './template.ts';
import type { Commands, ExecOptions, ExecResult, TemplateValue } from './types.ts';

export type { CommandContext } from './context.ts';

/** The four ways to run something, in a VM or in its dev shell: the context says which. */
export function createCommands(context: CommandContext): Commands {
  return {
    exec: (file, args = [], options = {}) => exec(context, file, args, options),
    sh: (script: string, options: ExecOptions = {}) => exec(context, '/bin/bash', ['-lc', script], options),
    $: async (strings: TemplateStringsArray, ...values: readonly TemplateValue[]): Promise<ExecResult> => {
      const [file = '', ...args] = templateWords(strings, values);
      return exec(context, file, args, {});
    },
    spawn: (file, args = [], options = {}) => spawn(context, file, args, options),
  };
}
