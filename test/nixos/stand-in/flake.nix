{
  # Stands in for nixpkgs where only its lib is at hand: the module system and the functions are nixpkgs' own (VZSHELL_NIXPKGS_LIB), the
  # options are those of NixOS that vzshell sets or reads, with their types, and packages are names of derivations that nobody builds.
  outputs =
    _:
    let
      own = import ./lib; # put there by the tests
      packagesOf =
        system:
        import ./packages.nix {
          lib = own;
          inherit system;
        };
    in
    {
      rev = "0000000000000000000000000000000000000000";
      legacyPackages = own.genAttrs [ "aarch64-linux" "x86_64-linux" "aarch64-darwin" ] packagesOf;
      lib = own.extend (
        _: _: {
          nixosSystem =
            {
              modules,
              specialArgs ? { },
            }:
            own.evalModules {
              class = "nixos";
              specialArgs = {
                modulesPath = ./modules;
              }
              // specialArgs;
              modules = [
                ./options.nix
                (
                  { config, ... }:
                  {
                    _module.args.pkgs = packagesOf config.nixpkgs.hostPlatform;
                  }
                )
              ]
              ++ modules;
            };
        }
      );
    };
}
