// The guest is Linux whatever the host is: macOS numbers some signals otherwise, and an exit code of 128+n means the guest's n.

const NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
};

/** Whether Linux has a signal of this name. */
export function isSignal(name: string): name is NodeJS.Signals {
  return Object.hasOwn(NUMBERS, name);
}

/** The exit code that a shell reports for a command: its own, or 128 and the number of the signal that ended it. */
export function shellExitCode(exit: { readonly exitCode: number | null; readonly signal: string | null }): number {
  if (exit.exitCode !== null) return exit.exitCode;
  return 128 + ((exit.signal !== null && NUMBERS[exit.signal]) || realtimeNumber(exit.signal));
}

/** Real-time signals have no names of their own; the agent calls them by number. */
function realtimeNumber(signal: string | null): number {
  const match = /^SIG(\d{2})$/.exec(signal ?? '');
  return match ? Number(match[1]) : 0;
}
