// A Nix of the host's own in a directory, with a closure in its store, and the flake of a dev shell that needs that closure. Nothing is
// built or fetched: the derivations are evaluated by Nix, and what they would have made is put in its place and registered.
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Files of a path, besides its program. */
const FILES = 15;
/** Paths that the dev shell names; the others are what these refer to. */
const NAMED = 8;

/** Paths whose builder cannot run: who does not have them must get them. */
const CLOSURE = `{ system, count }:
let
  package = n: derivation {
    name = "bench-\${toString n}";
    inherit system;
    builder = "/is-not-there";
    references = map (builtins.elemAt all) (builtins.filter (m: m < count) [ (2 * n + 1) (2 * n + 2) (n + 17) ]);
  };
  all = builtins.genList package count;
in
all
`;

export class HostNix {
  #before = {};

  constructor(root) {
    this.root = root;
    this.store = path.join(root, 'nix/store');
    this.conf('');
    this.#set({ NIX_REMOTE: `local?root=${root}`, NIX_CONF_DIR: root });
    this.run('nix-store', ['--init']);
  }

  /** More lines of nix.conf. */
  conf(lines) {
    mkdirSync(this.root, { recursive: true });
    writeFileSync(path.join(this.root, 'nix.conf'), `build-users-group =\nsubstituters =\nsandbox = false\n${lines}`);
  }

  run(program, args, input = '') {
    return execFileSync(program, args, {
      input,
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  /** Makes this version of Nix one that cannot be a layer, for as long as `action` takes. */
  async asArchives(action) {
    const schema = path.join(this.root, 'nix/var/nix/db/schema');
    writeFileSync(schema, '11');
    try {
      return await action();
    } finally {
      writeFileSync(schema, '10');
    }
  }

  /** Makes the flake in `project`, and puts the closure of its dev shell into the store. Gives paths and bytes of their archives. */
  addClosure(project, system, count, bytes) {
    mkdirSync(project, { recursive: true });
    const file = path.join(project, 'closure.nix');
    writeFileSync(file, CLOSURE);
    writeFileSync(
      path.join(project, 'flake.nix'),
      `{
  inputs.nixpkgs.url = "path:/etc/vzshell/pkgs";
  outputs = { nixpkgs, ... }:
    let
      closure = import ./closure.nix { system = "${system}"; count = ${count}; };
    in
    {
      devShells.${system}.default = nixpkgs.legacyPackages.${system}.mkShell {
        packages = builtins.genList (builtins.elemAt closure) ${NAMED};
      };
    };
}
`,
    );
    const outputs = 'map (p: { out = p.outPath; drv = p.drvPath; references = map (r: r.outPath) p.references; })';
    const expression = `${outputs} (import ${file} { system = "${system}"; count = ${count}; })`;
    const evaluate = ['--eval', '--strict', '--json', '--read-write-mode', '--expr', expression];
    const packages = JSON.parse(this.run('nix-instantiate', evaluate));
    const rows = packages.map(({ out, drv, references }, index) => {
      this.#fill(this.root + out, index, references, Math.floor(bytes / count / FILES));
      const archive = execFileSync('nix-store', ['--dump', this.root + out], { maxBuffer: 1 << 30 });
      const hash = createHash('sha256').update(archive).digest('hex');
      return { lines: [out, hash, archive.length, drv, references.length, ...references], size: archive.length };
    });
    this.run('nix-store', ['--load-db'], rows.map(({ lines }) => `${lines.join('\n')}\n`).join(''));
    return { paths: packages.map(({ out }) => out), bytes: rows.reduce((sum, { size }) => sum + size, 0) };
  }

  #fill(directory, index, references, size) {
    for (const folder of ['bin', 'share']) mkdirSync(path.join(directory, folder), { recursive: true });
    const program = path.join(directory, 'bin', `bench-${index}`);
    writeFileSync(program, `#!/bin/sh\necho ${index}\n# ${references.join(' ')}\n`);
    chmodSync(program, 0o555);
    for (let each = 0; each < FILES; each++) {
      writeFileSync(path.join(directory, 'share', `data-${each}`), randomBytes(size));
    }
  }

  /** Adds a path with a renamed file, as a Mac has it: it cannot be a part of the layer, so the host serves its cache as well. */
  addRenamed(scratch) {
    const source = path.join(scratch, 'renamed');
    mkdirSync(source);
    for (const name of ['xt_MARK.h', 'xt_mark.h~nix~case~hack~1']) writeFileSync(path.join(source, name), '');
    this.conf('use-case-hack = true\n');
    this.run('nix-store', ['--add-fixed', '--recursive', 'sha256', source]);
  }

  #set(variables) {
    for (const [name, value] of Object.entries(variables)) {
      this.#before[name] = process.env[name];
      process.env[name] = value;
    }
  }

  /** Makes the Nix that this process found before the one that it finds. */
  leave() {
    for (const [name, value] of Object.entries(this.#before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}
