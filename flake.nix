{
  description = "vzshell: a Linux dev shell in a virtual machine, driven from Node; here: its NixOS guest, packages and templates";

  # The guest's nixpkgs is vzshell's own: with another one (`follows`) every image is built anew and no binary cache has it.
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { self, nixpkgs }:
    let
      linux = [
        "aarch64-linux"
        "x86_64-linux"
      ];
      darwin = [ "aarch64-darwin" ];
      # The guest that a host of this system runs.
      guestOf = {
        aarch64-linux = "aarch64-linux";
        x86_64-linux = "x86_64-linux";
        aarch64-darwin = "aarch64-linux";
      };
      each =
        systems: make:
        builtins.listToAttrs (
          map (system: {
            name = system;
            value = make system nixpkgs.legacyPackages.${system};
          }) systems
        );
      guests = import ./guest/nixos/make-guest.nix { inherit self nixpkgs; };
    in
    {
      lib = { inherit (guests) mkGuest; };

      nixosModules = {
        guest = guests.module;
        default = guests.module;
      };

      nixosConfigurations = {
        guest = guests.mkGuest { system = "aarch64-linux"; };
        guest-x86_64 = guests.mkGuest { system = "x86_64-linux"; };
        guest-systemd = guests.mkGuest {
          system = "aarch64-linux";
          modules = [ { virtualisation.vzshell.profile = "systemd"; } ];
        };
      };

      overlays.default = import ./guest/nixos/overlay.nix;

      packages = each (linux ++ darwin) (
        system: pkgs:
        let
          ours = self.overlays.default pkgs pkgs;
          image = (guests.mkGuest { system = guestOf.${system}; }).config.system.build.vzshell;
        in
        {
          inherit (ours) vzshell;
          default = ours.vzshell;
          # Of a Mac, these come from a binary cache or from a Linux builder.
          guest-kernel = image.kernel;
          guest-initrd = image.initrd;
          guest-store = image.root;
          guest-image = image.image;
        }
        // (if builtins.elem system linux then { agent = ours.vzagent; } else { })
      );

      devShells = each (linux ++ darwin) (
        _: pkgs: {
          default = pkgs.mkShellNoCC {
            packages = [
              pkgs.go
              pkgs.nixfmt
              pkgs.nodejs_22
            ];
          };
        }
      );

      formatter = each (linux ++ darwin) (_: pkgs: pkgs.nixfmt-tree);

      checks = each linux (
        system: pkgs:
        import ./guest/nixos/checks.nix {
          inherit
            self
            guests
            pkgs
            system
            ;
        }
      );

      templates = {
        default = self.templates.devshell;
        devshell = {
          path = ./templates/devshell;
          description = "A dev shell for Linux, entered with `vzshell`";
        };
        node = {
          path = ./templates/node;
          description = "A Node project whose tests run in Linux, from a script that uses vzshell's library";
        };
        guest = {
          path = ./templates/guest;
          description = "A guest of your own: a NixOS configuration as an image for vzshell";
        };
      };
    };
}
