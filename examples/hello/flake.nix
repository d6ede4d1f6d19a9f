{
  description = "A small C project: `vzshell -- make test` builds and tests it in Linux";

  # The guest image brings this small package set with it, so the example works without a network.
  # For the real thing: "github:NixOS/nixpkgs/nixos-25.05", and remove flake.lock.
  inputs.nixpkgs.url = "path:/etc/vzshell/pkgs";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "aarch64-linux"
        "x86_64-linux"
      ];
      forSystems =
        make:
        builtins.listToAttrs (
          map (system: {
            name = system;
            value = make nixpkgs.legacyPackages.${system};
          }) systems
        );
    in
    {
      packages = forSystems (pkgs: {
        default = pkgs.stdenv.mkDerivation {
          pname = "hello";
          version = "1.0";
          src = self;
          doCheck = true;
          checkPhase = "make test";
        };
      });

      devShells = forSystems (pkgs: {
        default = pkgs.mkShell {
          packages = [
            pkgs.gcc
            pkgs.gnumake
          ];
        };
      });
    };
}
