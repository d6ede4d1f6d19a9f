import { describe, expect, it } from 'vitest';
import { FLAGS, VERBS } from '../../../src/cli/flags.ts';
import { helpText } from '../../../src/cli/help.ts';
import { parseFlags } from '../../../src/cli/parse-flags.ts';
import { parsePlace } from '../../../src/cli/verbs/cp.ts';
import { parsePorts } from '../../../src/cli/verbs/forward.ts';

describe('flags', () => {
  it.each([
    [[], {}, null],
    [['--', 'make'], {}, ['make']],
    [['--cpus', '2', '--', 'a', '--cpus', '--', '-v', ''], { cpus: '2' }, ['a', '--cpus', '--', '-v', '']],
    [['--cpus=2', '-v'], { cpus: '2', verbose: true }, null],
    [['-e', 'A=1', '--env', 'B==', '--env=C='], { env: ['A=1', 'B==', 'C='] }, null],
    [['--mount', '/a:/b:ro', '--mount=/c:/d'], { mount: ['/a:/b:ro', '/c:/d'] }, null],
    [['--rm', '--plain', '--no-cache', '-n'], { rm: true, plain: true, 'no-cache': true, 'no-stdin': true }, null],
    [['--env', '--', '--', 'x'], 'error', null],
  ] as const)('%j', (argv, flags, command) => {
    if (flags === 'error') expect(() => parseFlags(argv)).toThrow('--env needs a value: --env NAME=VALUE');
    else expect(parseFlags(argv)).toEqual({ flags, command });
  });

  it.each([
    [['--cpsu', '2'], "unknown flag '--cpsu'", "did you mean '--cpus'?"],
    [['--memroy=2G'], "unknown flag '--memroy'", "did you mean '--memory'?"],
    [['-x'], "unknown flag '-x'", ''],
    [['--xyzzy'], "unknown flag '--xyzzy'", 'see `vzshell --help`'],
    [['--cpus'], '--cpus needs a value: --cpus N', undefined],
    [['--cpus', '--', 'x'], '--cpus needs a value: --cpus N', undefined],
    [['--cpus', '1', '--cpus', '2'], '--cpus is given twice', undefined],
    [['--rm=yes'], "--rm takes no value, got '--rm=yes'", undefined],
    [['--'], "there is no command after '--'", 'leave the dashes out'],
    [['make', 'test'], "'make' is not a verb of vzshell", 'vzshell -- make test'],
    [['--plain', 'make', 'test'], "'make' is not a verb of vzshell", 'vzshell -- make test'],
    [['--verbose', 'start'], "flags go behind the verb 'start'", 'vzshell start [FLAGS]'],
    [['strat'], "'strat' is not a verb of vzshell", "did you mean 'start'?"],
  ] as const)('%j is refused in plain words', (argv, message, hint) => {
    expect(() => parseFlags(argv)).toThrowError(
      expect.objectContaining({
        code: 'ERR_INVALID_OPTION',
        message: expect.stringContaining(message),
        ...(hint !== undefined && { hint: expect.stringContaining(hint) }),
      }),
    );
  });

  it('and verbs all stand in the help', () => {
    const help = helpText();
    for (const { long } of FLAGS) expect(help).toContain(`--${long}`);
    for (const verb of VERBS) if (verb !== 'help') expect(help).toMatch(new RegExp(`^  ${verb}\\b`, 'm'));
  });
});

describe('places of a copy', () => {
  it.each([
    ['file', null, 'file'],
    ['vm:/etc/passwd', 'vm', '/etc/passwd'],
    [':rel/path', '', 'rel/path'],
    ['vm:', 'vm', '.'],
    ['./odd:name', null, './odd:name'],
    ['/abs:name', null, '/abs:name'],
    ['a/b:c', null, 'a/b:c'],
    ['vm:a:b', 'vm', 'a:b'],
  ])('%j', (text, vm, path) => {
    expect(parsePlace(text)).toEqual({ vm, path });
  });
});

describe('ports of a forward', () => {
  it.each([
    ['8080:80', '127.0.0.1', 8080, 80],
    ['80', '127.0.0.1', 80, 80],
    [':80', '127.0.0.1', null, 80],
    ['0.0.0.0:8080:80', '0.0.0.0', 8080, 80],
    ['[::1]:8080:80', '::1', 8080, 80],
    ['localhost::80', 'localhost', null, 80],
  ])('%j', (text, host, hostPort, guestPort) => {
    expect(parsePorts(text)).toEqual({ host, hostPort, guestPort });
  });

  it.each(['', 'x', '80:', '0:80', '8080:0', '70000', '1:2:3:4', '-1:80', '80:80:'])('%j is refused', (text) => {
    expect(() => parsePorts(text)).toThrow(`expected ports such as '8080:80', got '${text}'`);
  });
});
