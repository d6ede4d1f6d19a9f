# Nix in the guest: guest/CONTRACT.md 4. The agent starts the daemon, with the layered store as its own; everybody else asks it.
{ config, lib, ... }:
let
  cfg = config.virtualisation.vzshell;
in
{
  # Else nix.conf and the closure would hold all of nixpkgs.
  nixpkgs.flake = {
    setFlakeRegistry = false;
    setNixPath = false;
  };

  nix = {
    channel.enable = false;
    nrBuildUsers = 10;
    settings = {
      store = "daemon";
      experimental-features = [
        "nix-command"
        "flakes"
        "local-overlay-store"
        "read-only-local-store"
      ];
      build-users-group = "nixbld";
      trusted-users = [
        "root"
        "@sudo"
      ];
      sandbox = true;
      sandbox-fallback = false;
      max-jobs = "auto";
      # A power cut otherwise leaves rows in the database for contents that were never written.
      sync-before-registering = true;
      auto-optimise-store = false;
      # An unlocked name would be looked up over the network, for seconds, on every call.
      flake-registry = "";
      connect-timeout = 5;
      warn-dirty = false;
    };
    # Written by vzshell at each start; without a network it switches the substituters off. Last, so that it wins.
    extraOptions = lib.mkAfter ''
      !include /run/vzshell/nix.conf
    '';
    registry = lib.mkIf (cfg.nixpkgsRevision != null) {
      nixpkgs.to = {
        type = "github";
        owner = "NixOS";
        repo = "nixpkgs";
        rev = cfg.nixpkgsRevision;
      };
    };
  };

  # The agent listens in the daemon's place: two would fight for the socket.
  systemd.sockets.nix-daemon.enable = false;
  systemd.services.nix-daemon.enable = false;
}
