import type { Command } from 'commander';
import { VzshellError } from '../../errors.ts';
import { Vm } from '../../vm/vm.ts';
import type { Outcome } from '../outcome.ts';
import { targetVm } from '../target.ts';

export interface Ports {
  readonly host: string;
  /** Null: a free one. */
  readonly hostPort: number | null;
  readonly guestPort: number;
}

export function addForward(program: Command, outcome: Outcome): void {
  program
    .command('forward')
    .description("make a port of the guest one of the host's, until interrupted")
    .usage('[VM] [[ADDRESS:]HOST:]GUEST')
    .argument('<vm-or-ports>', 'name or id of the VM, or the ports for the VM of this project')
    .argument('[ports]', "'8080:80', '80' for the same on both sides, ':80' for a free one on the host")
    .option('--json', 'print host, port and url as JSON')
    .action(async (first: string, second: string | undefined, { json }: { readonly json?: true }) => {
      const { host, hostPort, guestPort } = parsePorts(second ?? first);
      const vm = await Vm.connect(await targetVm(second === undefined ? undefined : first));
      // Listened for first: who reads the URL may interrupt at once.
      const signalled = interrupted();
      await using forward = await vm.forward({ guestPort, host, ...(hostPort !== null && { hostPort }) });
      const { port, url } = forward;
      process.stdout.write(json ? `${JSON.stringify({ host: forward.host, port, url, guestPort })}\n` : `${url}\n`);
      vm.ref();
      const signal = await Promise.race([signalled, forward.closed.then(() => null), vm.closed.then(() => null)]);
      if (signal === null) {
        const { error } = await vm.closed;
        throw error ?? new VzshellError('ERR_VM_STOPPED', `vm '${vm.name}' stopped, and the forward with it`);
      }
      outcome.code = signal === 'SIGINT' ? 130 : 143;
    });
}

/** `[[ADDRESS:]HOST:]GUEST`; an IPv6 address stands in brackets. */
export function parsePorts(text: string): Ports {
  const match = /^(?:(?:(\[[0-9A-Fa-f:.]+\]|[^:[\]]+):)?(\d*):)?(\d+)$/.exec(text);
  const guestPort = Number(match?.[3]);
  const hostPort = match?.[2] === undefined ? guestPort : match[2] === '' ? null : Number(match[2]);
  if (match !== null && isPort(guestPort) && (hostPort === null || isPort(hostPort))) {
    return { host: match[1]?.replace(/^\[|\]$/g, '') ?? '127.0.0.1', hostPort, guestPort };
  }
  throw new VzshellError('ERR_INVALID_OPTION', `expected ports such as '8080:80', got '${text}'`, {
    hint: "[[ADDRESS:]HOST:]GUEST; ':80' takes a free port of the host",
  });
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65535;
}

function interrupted(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal));
  });
}
