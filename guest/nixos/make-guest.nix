# What the flake's outputs share: the module with vzshell's own agent in it, and a function that makes a NixOS system of it.
{ self, nixpkgs }:
rec {
  # The agent is built from this flake, whatever nixpkgs the guest has.
  module =
    { lib, pkgs, ... }:
    {
      imports = [ ./. ];
      virtualisation.vzshell = {
        agent = lib.mkDefault (self.overlays.default pkgs pkgs).vzagent;
        nixpkgsRevision = lib.mkDefault (nixpkgs.rev or null);
      };
    };

  # mkGuest { system, modules } : a NixOS system; its image is `config.system.build.vzshell.image`. A guest with modules of one's own is
  # another image beside the released one, whose hash depends on nothing but this flake.
  mkGuest =
    {
      system,
      modules ? [ ],
      specialArgs ? { },
    }:
    nixpkgs.lib.nixosSystem {
      inherit specialArgs;
      modules = [
        module
        { nixpkgs.hostPlatform = system; }
      ]
      ++ modules;
    };
}
