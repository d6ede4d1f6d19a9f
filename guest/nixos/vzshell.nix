{
  lib,
  buildNpmPackage,
  importNpmLock,
  nodejs_22,
  # Where packages come from; what they are is said by the lock's integrity alone.
  registry ? "mirror://npm",
}:
let
  package = lib.importJSON ../../package.json;
  lock = lib.importJSON ../../package-lock.json;

  # The lock names no registry, so that everybody's own is used; Nix needs an address.
  located =
    path: module:
    let
      name = module.name or (lib.last (lib.splitString "node_modules/" path));
    in
    if path == "" || !module ? integrity then
      module
    else
      module // { resolved = "${registry}/${name}/-/${baseNameOf name}-${module.version}.tgz"; };
in
buildNpmPackage {
  pname = "vzshell";
  inherit (package) version;
  nodejs = nodejs_22;
  src = lib.fileset.toSource {
    root = ../..;
    fileset = lib.fileset.unions [
      ../../package.json
      ../../package-lock.json
      ../../tsconfig.json
      ../../tsconfig.build.json
      ../../bin
      ../../src
      ../../README.md
      ../../CHANGELOG.md
      ../../LICENSE
    ];
  };
  npmDeps = importNpmLock {
    inherit package;
    packageLock = lock // {
      packages = lib.mapAttrs located lock.packages;
    };
  };
  inherit (importNpmLock) npmConfigHook;
  npmFlags = [ "--ignore-scripts" ];
  meta = {
    inherit (package) description;
    license = lib.licenses.mit;
    mainProgram = "vzshell";
  };
}
