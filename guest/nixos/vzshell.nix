{
  lib,
  buildNpmPackage,
  importNpmLock,
  nodejs_22,
}:
let
  package = lib.importJSON ../../package.json;
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
  # By the lock's own hashes: there is none to update here.
  npmDeps = importNpmLock { npmRoot = ../..; };
  inherit (importNpmLock) npmConfigHook;
  npmFlags = [ "--ignore-scripts" ];
  meta = {
    inherit (package) description;
    license = lib.licenses.mit;
    mainProgram = "vzshell";
  };
}
