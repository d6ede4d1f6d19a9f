// What an image may be named by, wherever one can be named: the option, the flag, the settings, the environment.

import { VzshellError } from '../errors.ts';
import { isImageId } from './place.ts';

export type Source =
  /** A manifest.json, or the directory that holds one. */
  | { readonly kind: 'path'; readonly path: string }
  /** One of the cache. */
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'npm'; readonly text: string; readonly name: string; readonly version: string }
  | { readonly kind: 'url'; readonly text: string; readonly url: string; readonly sha256: string | null };

const PACKAGE = /^npm:((?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*)(?:@([0-9A-Za-z][0-9A-Za-z.+-]*))?$/;
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** Whether a text names something to be fetched, and so is not a path. */
export function isRemote(text: string): boolean {
  return /^(?:npm:|https?:)/.test(text);
}

/** A name as settings and flags give it: a path counts from where it was written, everything else stands for itself. */
export function imageName(text: string, absolute: (path: string) => string): string {
  return isRemote(text) || isImageId(text) ? text : absolute(text);
}

export function parseSource(text: string): Source {
  if (text.startsWith('npm:')) return packageSource(text);
  if (isRemote(text)) return urlSource(text);
  return isImageId(text) ? { kind: 'id', id: text } : { kind: 'path', path: text };
}

function packageSource(text: string): Source {
  const [, name, version = 'latest'] = PACKAGE.exec(text) ?? [];
  if (name === undefined) {
    throw new VzshellError('ERR_INVALID_OPTION', `'${text}' is not the name of an npm package`, {
      hint: "write it as npm:NAME or npm:NAME@VERSION, such as 'npm:@vzshell/guest-arm64@0.1.0'",
    });
  }
  return { kind: 'npm', text, name, version };
}

function urlSource(text: string): Source {
  const url = parsed(text);
  const fragment = url?.hash.slice(1) ?? '';
  const sha256 = /^sha256=([0-9a-f]{64})$/.exec(fragment)?.[1] ?? null;
  if (url === null || (fragment !== '' && sha256 === null)) {
    throw new VzshellError('ERR_INVALID_OPTION', `'${text}' is not the URL of a guest image's manifest`, {
      hint: 'write it as https://HOST/PATH/manifest.json, and #sha256=<64 hex digits> behind it to pin it',
    });
  }
  if (url.protocol === 'http:' && sha256 === null && !LOOPBACK.test(url.hostname)) {
    throw new VzshellError('ERR_INVALID_OPTION', `'${text}' could be changed by anybody on the way`, {
      hint: "use https, or pin the manifest: put '#sha256=' and its sha256 behind the URL",
    });
  }
  url.hash = '';
  return { kind: 'url', text, url: url.href, sha256 };
}

function parsed(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}
