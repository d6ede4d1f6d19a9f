// npm's own libraries bring no types. This is as much of them as is used.

declare module '@npmcli/config' {
  interface ConfigOptions {
    readonly definitions: unknown;
    readonly shorthands: unknown;
    readonly flatten: unknown;
    readonly nerfDarts: readonly string[];
    readonly npmPath: string;
    readonly env: NodeJS.ProcessEnv;
    readonly argv: readonly string[];
    readonly execPath: string;
    readonly cwd: string;
    readonly warn: boolean;
  }

  class Config {
    constructor(options: ConfigOptions);
    load(): Promise<void>;
    readonly flat: Readonly<Record<string, unknown>>;
  }

  export = Config;
}

declare module '@npmcli/config/lib/definitions/index.js' {
  const all: {
    readonly definitions: unknown;
    readonly shorthands: unknown;
    readonly flatten: unknown;
    readonly nerfDarts: readonly string[];
  };

  export = all;
}

declare module 'npm-registry-fetch' {
  interface FetchResponse {
    readonly status: number;
    readonly headers: { get(name: string): string | null };
    readonly body: AsyncIterable<Buffer>;
  }

  function fetch(uri: string, options: Readonly<Record<string, unknown>>): Promise<FetchResponse>;
  namespace fetch {
    function pickRegistry(spec: string, options: Readonly<Record<string, unknown>>): string;
  }

  export = fetch;
}
