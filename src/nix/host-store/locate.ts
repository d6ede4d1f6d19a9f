// The host's Nix store as the host's own Nix finds it: NIX_REMOTE and NIX_STATE_DIR count here as they do there.

import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import { createConnection } from 'node:net';
import { delimiter, isAbsolute, join } from 'node:path';
import { homeDirectory } from '../../state/home.ts';
import { programIn } from '../../state/program.ts';
import { Unusable } from './unusable.ts';

/** A Nix installation of the host whose store a guest can use. */
export interface HostNix {
  /** The directory whose entries are the guest's `/nix/store/…`, links resolved. */
  readonly store: string;
  readonly state: string;
  readonly database: string;
  /** Path of `nix-store`; its sisters lie beside it. */
  readonly program: string;
}

/** The store directory of every guest. Paths are part of what is built, so no other will do. */
const STORE = '/nix/store';
/** Milliseconds that the daemon's socket gets. */
const KNOCK = 2000;
/** Where installers put Nix when it is not on PATH, below the home directory or absolute. */
const PROFILES = ['.nix-profile/bin', '/nix/var/nix/profiles/default/bin', '/run/current-system/sw/bin'];
const INSTALL = 'install Nix on this host, or use --store image';

/** Finds the store, its database and its programs. Throws `Unusable` for what is missing. */
export async function locateHostNix(env: NodeJS.ProcessEnv = process.env): Promise<HostNix> {
  const { store, state, socket } = places(env);
  const database = join(state, 'db', 'db.sqlite');
  if (!existsSync(store)) throw new Unusable(`this host has no Nix store (${store} does not exist)`, INSTALL);
  if (!existsSync(database)) throw new Unusable(`the host's Nix store has no database (${database})`, INSTALL);
  const program = findProgram('nix-store', env);
  if (program === null) throw new Unusable('the host has a Nix store, but `nix-store` was not found', INSTALL);
  if (!writable(state)) await knock(socket);
  return { store: realpathSync(store), state, database, program };
}

/** Where the store is that `env` names, by the rules of Nix. */
function places(env: NodeJS.ProcessEnv): { readonly store: string; readonly state: string; readonly socket: string } {
  const remote = env.NIX_REMOTE ?? '';
  const parameters = new URLSearchParams(/^[^?]*\?(.*)$/.exec(remote)?.[1] ?? '');
  const scheme = remote.replace(/\?.*$/, '');
  if (isAbsolute(scheme)) parameters.set('root', scheme);
  else if (!/^(auto|daemon|local|unix:\/\/.*)?$/.test(scheme)) {
    throw new Unusable(`NIX_REMOTE names '${remote}', which is no store of this host`, 'unset NIX_REMOTE');
  }
  const named = env.NIX_STORE_DIR || STORE;
  if (named !== STORE) {
    throw new Unusable(`the host's Nix store is '${named}', guests have ${STORE}`, 'use --store image');
  }
  const root = parameters.get('root') ?? '';
  const state = parameters.get('state') ?? (root === '' ? env.NIX_STATE_DIR || '/nix/var/nix' : `${root}/nix/var/nix`);
  const path = /^unix:\/\/(\/.*)$/.exec(scheme)?.[1];
  return {
    store: parameters.get('real') ?? `${root}${STORE}`,
    state,
    socket: path ?? (env.NIX_DAEMON_SOCKET_PATH || join(state, 'daemon-socket', 'socket')),
  };
}

/** The path of a program: on PATH, or where Nix and its installers put theirs. */
export function findProgram(name: string, env: NodeJS.ProcessEnv = process.env): string | null {
  const home = homeDirectory();
  const folders = [
    ...(env.PATH ?? '').split(delimiter).filter(isAbsolute),
    ...PROFILES.map((folder) => (isAbsolute(folder) ? folder : join(home, folder))),
  ];
  return programIn(folders, name);
}

function writable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** What the guest uses is kept from the host's garbage collection through the daemon, so it has to answer. */
async function knock(socket: string): Promise<void> {
  const hint = 'start the Nix daemon of this host, or use --store image';
  await new Promise<void>((resolve, reject) => {
    const fail = (cause?: Error): void => {
      connection.destroy();
      const why = cause === undefined ? `within ${KNOCK} ms` : `(${cause.message})`;
      reject(new Unusable(`the host's Nix daemon does not answer at ${socket} ${why}`, hint, cause));
    };
    const connection = createConnection(socket, () => {
      connection.destroy();
      resolve();
    });
    connection.setTimeout(KNOCK, fail).on('error', fail);
  });
}
