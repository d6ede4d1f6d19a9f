// HTTP as npm does it: the user's registries, tokens, proxies and certificates, by npm's own client. It was chosen over pacote,
// which wraps it: pacote cannot resume a download nor take parts of one, and brings git and sigstore along.

import { VzshellError } from '../errors.ts';
import { type NpmSettings, npmSettings } from './npm-settings.ts';
import { imageProblem } from './problem.ts';

export interface Reply {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: AsyncIterable<Buffer>;
}

export interface Request {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Package on whose behalf it is asked for: its scope decides on registry and token. */
  readonly spec?: string;
}

type Fetch = (uri: string, options: Readonly<Record<string, unknown>>) => Promise<Reply>;

export class Network {
  readonly #fetch: Fetch;
  readonly #settings: NpmSettings;
  readonly #proxies: readonly URL[];
  readonly #pickRegistry: (spec: string, settings: NpmSettings) => string;

  private constructor(
    fetch: Fetch,
    pickRegistry: (spec: string, settings: NpmSettings) => string,
    settings: NpmSettings,
    env: NodeJS.ProcessEnv,
  ) {
    this.#fetch = fetch;
    this.#pickRegistry = pickRegistry;
    // Without npm's cache on disk: what is fetched has a place of its own, and would be there twice.
    const { cache: _, ...rest } = settings;
    this.#settings = rest;
    const { https_proxy, http_proxy, HTTPS_PROXY, HTTP_PROXY, proxy } = env;
    this.#proxies = [
      settings.httpsProxy,
      settings.proxy,
      https_proxy,
      http_proxy,
      HTTPS_PROXY,
      HTTP_PROXY,
      proxy,
    ].flatMap((each) => (typeof each === 'string' && URL.canParse(each) ? [new URL(each)] : []));
  }

  /** Loads client and settings. Nothing is asked of anybody yet. */
  static async open(env: NodeJS.ProcessEnv = process.env): Promise<Network> {
    const [{ default: fetch }, settings] = await Promise.all([import('npm-registry-fetch'), npmSettings(env)]);
    return new Network(fetch, fetch.pickRegistry, settings, env);
  }

  /** How often npm tries again what failed on the way. */
  get retries(): number {
    const { retry } = this.#settings as { readonly retry?: { readonly retries?: unknown } };
    return typeof retry?.retries === 'number' ? retry.retries : 2;
  }

  /** The registry that the user has for a package. */
  registry(spec: string): string {
    return this.#pickRegistry(spec, this.#settings);
  }

  /** The answer to a GET: 200 or 206, everything else is an error. Its body must be read to its end, or `signal` aborted. */
  async get(url: string, { headers, signal, spec }: Request = {}): Promise<Reply> {
    if (this.#settings.offline === true) {
      throw imageProblem('offline', `cannot fetch ${shown(url)}: npm is told to work offline`, {
        hint: 'see `npm config get offline`',
        details: { url: shown(url) },
      });
    }
    try {
      return await this.#fetch(url, {
        ...this.#settings,
        // Ranges and digests are of the bytes as they lie on the server.
        headers: { 'accept-encoding': 'identity', ...headers },
        ...(signal && { signal }),
        ...(spec !== undefined && { spec }),
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw this.problem(error, url);
    }
  }

  /** Any failure of a request as ours. */
  problem(error: unknown, url: string): VzshellError {
    return networkProblem(error, url, this.#proxies);
  }

  /** The whole answer; of one with more than `limit` bytes the rest is not read. */
  async bytes(url: string, limit: number, request: Request = {}): Promise<Buffer> {
    const stop = new AbortController();
    const signal = request.signal === undefined ? stop.signal : AbortSignal.any([request.signal, stop.signal]);
    const { body } = await this.get(url, { ...request, signal });
    const chunks: Buffer[] = [];
    let length = 0;
    try {
      for await (const chunk of body) {
        length += chunk.length;
        if (length > limit) throw imageProblem('too-big', `the answer of ${shown(url)} is over ${limit} bytes long`);
        chunks.push(chunk);
      }
    } catch (error) {
      request.signal?.throwIfAborted();
      stop.abort();
      throw this.problem(error, url);
    }
    return Buffer.concat(chunks);
  }
}

/** A URL for messages: without password, and without the query, which often is one. */
export function shown(url: string): string {
  try {
    const { origin, pathname } = new URL(url);
    return `${origin}${pathname}`;
  } catch {
    return url;
  }
}

const CERTIFICATE = /CERT|SELF_SIGNED|ALTNAME|UNABLE_TO_(?:GET_ISSUER|VERIFY)/;

/** What it was, and which setting of npm to look at. */
function networkProblem(error: unknown, url: string, proxies: readonly URL[]): VzshellError {
  if (error instanceof VzshellError) return error;
  const { statusCode, code = '' } = error as Error & { statusCode?: number; code?: string };
  // The client says the URL once more before it says why.
  const message = (error as Error).message.replace(/^request to \S+ failed, reason: /, '');
  const where = shown(url);
  const context = { cause: error, details: { url: where, ...(statusCode !== undefined && { status: statusCode }) } };
  if (statusCode !== undefined) return refused(statusCode, where, context);
  if (CERTIFICATE.test(code)) {
    const hint = "trust your company's certificate: `npm config set cafile /path/to/ca.pem`";
    return imageProblem('certificate', `cannot fetch ${where}: its certificate is not trusted (${code})`, {
      ...context,
      hint,
    });
  }
  if (/proxy/i.test(`${code} ${message}`) || proxies.some((proxy) => isAbout(message, proxy, url))) {
    const hint = 'look at `npm config get proxy https-proxy noproxy`, and at HTTPS_PROXY and HTTP_PROXY';
    return imageProblem('proxy', `cannot fetch ${where} through the proxy: ${message}`, { ...context, hint });
  }
  const hint =
    'check the connection, `npm config get registry` and the proxy settings; what was fetched so far is kept';
  return imageProblem('network', `cannot fetch ${where}: ${message}`, { ...context, hint });
}

/** Whether a failed connection was one to the proxy: its name is in the message, or its port, which is not the server's. */
function isAbout(message: string, { hostname, port }: URL, url: string): boolean {
  return message.includes(hostname) || (port !== '' && port !== new URL(url).port && message.endsWith(`:${port}`));
}

function refused(status: number, where: string, context: object): VzshellError {
  if (status === 401 || status === 403) {
    const hint = `log in (\`npm login --registry ${new URL(where).origin}/\`), or ask who runs it for access`;
    return imageProblem('unauthorized', `${where} may not be read: HTTP ${status}`, { ...context, hint });
  }
  if (status === 407) {
    const hint = 'put user and password into the proxy setting: `npm config get proxy https-proxy`';
    return imageProblem('proxy', `the proxy on the way to ${where} wants a password: HTTP 407`, { ...context, hint });
  }
  if (status === 404 || status === 410) {
    const hint = 'is it the right registry? `npm config get registry`; a mirror may need to be told of the package';
    return imageProblem('not-found', `there is no ${where}: HTTP ${status}`, { ...context, hint });
  }
  return imageProblem('server', `the server of ${where} failed: HTTP ${status}`, {
    ...context,
    hint: 'try again later; what was fetched so far is kept',
  });
}
