{
  description = "The guest image's own small package set: it has the shape of nixpkgs and lies in the image, so it needs no network";

  outputs =
    { self }:
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
            value = make system;
          }) systems
        );
    in
    {
      legacyPackages = forSystems (system: import ./default.nix { inherit system; });
    };
}
