{ lib, ... }:
let
  inherit (lib) mkOption types;
in
{
  options.virtualisation.vzshell = {
    profile = mkOption {
      type = types.enum [
        "agent"
        "systemd"
      ];
      default = "agent";
      description = ''
        What process 1 of the guest is. `agent`: vzagent itself, without systemd; the guest is there in less than a
        second, and services of the configuration do not run. `systemd`: all of NixOS, with the agent as
        {file}`vzagent.service`.
      '';
    };

    agent = mkOption {
      type = types.package;
      description = "The guest agent, a static program at {file}`bin/vzagent`. The flake of vzshell sets it.";
    };

    kernelModules = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "tun" ];
      description = ''
        Kernel modules that the initrd brings besides those of the contract, with all that they depend on. Modules that
        nobody needs before the first command are better loaded by `modprobe` in the running guest.
      '';
    };

    kernelParams = mkOption {
      type = types.listOf (types.strMatching "[!-~]+");
      default = [ ];
      example = [ "mitigations=off" ];
      description = "Words on the kernel's command line, besides those of the contract.";
    };

    compression = mkOption {
      type = types.nullOr (types.strMatching "(lz4|lz4hc|zstd)(,[0-9]+)?");
      default = "lz4hc,9";
      example = null;
      description = ''
        How {command}`mkfs.erofs` compresses the root image; `null` leaves it as it is. `lz4hc` boots fastest: better
        compression pays with processor time at every boot what it saves once at the download.
      '';
    };

    nixpkgsRevision = mkOption {
      type = types.nullOr (types.strMatching "[0-9a-f]{40}");
      default = null;
      description = ''
        The commit of nixpkgs that `nixpkgs` means in the guest (`nix run nixpkgs#hello`). With `null` the name is not
        known there: it would be looked up over the network on every call.
      '';
    };

    terminals = mkOption {
      type = types.listOf types.package;
      description = "Packages with terminfo entries, for the terminals that people sit at.";
    };
  };
}
