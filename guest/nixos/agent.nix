{ lib, buildGoModule }:
buildGoModule {
  pname = "vzagent";
  version = (lib.importJSON ../../package.json).version;
  src = lib.fileset.toSource {
    root = ../agent;
    fileset = ../agent;
  };
  # Of `go mod vendor`; test/nixos/flake.test.ts compares it with go.sum's modules.
  vendorHash = "sha256-3OQVPZaqR3jVcshh6Z2gVSrKxqVerLf0CwIU3nBbyxo=";
  env.CGO_ENABLED = 0;
  ldflags = [
    "-s"
    "-w"
    "-X main.version=${(lib.importJSON ../../package.json).version}"
  ];
  # Its tests want a machine's file system and users; scripts/test runs them.
  doCheck = false;
  meta = {
    description = "Guest agent of vzshell: process 1 of a guest, or a service of it";
    license = lib.licenses.mit;
    platforms = lib.platforms.linux;
    mainProgram = "vzagent";
  };
}
