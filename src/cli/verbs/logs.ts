import { readFileSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import type { Command } from 'commander';
import { escapeForTerminal } from '../../agent/escape.ts';
import { type RunPaths, runPaths, statePaths } from '../../state/paths.ts';
import { findVm } from '../../vm/find.ts';
import { follow } from '../follow.ts';
import { targetVm } from '../target.ts';

interface LogFlags {
  readonly follow?: true;
  readonly supervisor?: true;
  readonly console?: true;
}

export function addLogs(program: Command): void {
  program
    .command('logs')
    .description("what a VM has written: the guest's console, or the supervisor's log")
    .argument('[vm]', 'name or id (default: the VM of this project)')
    .option('-f, --follow', 'go on until the VM stops')
    .option('--console', "the guest's console (the default)")
    .option('--supervisor', "the supervisor's log, where its failures stand")
    .action(async (vm: string | undefined, flags: LogFlags) => {
      const name = await targetVm(vm);
      const { id } = await findVm(name);
      await print(runPaths(statePaths(), id), flags);
    });
}

async function print(run: RunPaths, flags: LogFlags): Promise<void> {
  const path = flags.supervisor ? run.log : run.console;
  const decoder = new StringDecoder('utf8');
  // The guest writes its console: on a terminal its escape sequences become visible; a file gets the bytes as text.
  const shown = (text: string): string => (process.stdout.isTTY ? escapeForTerminal(text) : text);
  const write = (bytes: Buffer): void => void process.stdout.write(shown(decoder.write(bytes)));
  write(read(`${path}.1`));
  const now = read(path);
  write(now);
  if (!flags.follow) return;
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  await follow(path, now.length, { aliveFile: run.record, onData: write, signal: interrupted.signal });
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}
