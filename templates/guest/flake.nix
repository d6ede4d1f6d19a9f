{
  description = "A guest of your own for vzshell";

  # Not `inputs.vzshell.inputs.nixpkgs.follows`: with another nixpkgs nothing comes from vzshell's binary cache.
  inputs.vzshell.url = "github:vzshell/vzshell";

  outputs =
    { vzshell, ... }:
    let
      guest =
        system:
        vzshell.lib.mkGuest {
          inherit system;
          modules = [ ./configuration.nix ];
        };
    in
    {
      packages.aarch64-linux.default = (guest "aarch64-linux").config.system.build.vzshell.image;
      packages.x86_64-linux.default = (guest "x86_64-linux").config.system.build.vzshell.image;
    };
}
