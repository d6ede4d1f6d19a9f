// What a guest sees of the network: an address and the host's loopback with 'nat', nothing at all with 'none'.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { Vm } from 'vzshell';
import { ARCH, useHome } from '../vm/fixture.ts';

useHome();

/** The host, as QEMU's user network calls it. */
const HOST = '10.0.2.2';

async function serve(text: string): Promise<number> {
  const server = createServer((_request, response) => response.end(text)).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as AddressInfo).port;
}

test("'nat' gives an address, a route and a resolver, and reaches a server on the host's loopback", async () => {
  const port = await serve('hello from the host');
  await using vm = await Vm.create({ arch: ARCH, memory: '512MiB', network: 'nat' });
  expect((await vm.exec('ip', ['-4', '-o', 'address', 'show', 'up', 'scope', 'global'])).stdout).toMatch(
    / inet 10\.0\.2\.15\/24 /,
  );
  expect((await vm.exec('ip', ['-4', 'route'])).stdout).toMatch(/^default via 10\.0\.2\.2 /m);
  expect((await vm.exec('cat', ['/etc/resolv.conf'])).stdout).toMatch(/^nameserver 10\.0\.2\.3$/m);
  // As any program would resolve it: through /etc/hosts and /etc/resolv.conf.
  expect((await vm.exec('getent', ['hosts', 'localhost'])).stdout).toMatch(/^(::1|127\.0\.0\.1)\s/);
  const answer = await vm.exec('curl', ['--silent', '--show-error', '--max-time', '20', `http://${HOST}:${port}/`]);
  expect(answer.stdout).toBe('hello from the host');
});

test("'none' is a guest with nothing but its own loopback", async () => {
  await using vm = await Vm.create({ arch: ARCH, memory: '512MiB', network: 'none' });
  expect((await vm.exec('ls', ['/sys/class/net'])).stdout).toBe('lo\n');
  expect((await vm.exec('ip', ['route'])).stdout).toBe('');
  const attempt = await vm.exec('curl', ['--silent', '--show-error', '--max-time', '5', `http://${HOST}/`], {
    reject: false,
  });
  expect(attempt).toMatchObject({ exitCode: 7, stdout: '' });
  // The loopback itself works.
  await vm.exec('busybox', ['httpd', '-p', '127.0.0.1:7070', '-h', '/etc']);
  expect((await vm.exec('curl', ['--silent', 'http://127.0.0.1:7070/hostname'])).exitCode).toBe(0);
});
