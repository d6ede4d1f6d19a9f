# /etc lies in the image as NixOS would set it up; nothing is done about it at boot.
{ lib, ... }:
{
  environment.etc = {
    # For login shells. PATH is kept as it was given: a dev shell's must survive `bash -l`.
    profile.source = lib.mkForce ../debian/tree/etc/profile;
    bashrc.source = lib.mkForce ../debian/tree/etc/bash.bashrc;
    "bash.bashrc".source = ../debian/tree/etc/bash.bashrc;
    "profile.d/vzshell.sh".source = ../debian/tree/etc/profile.d/vzshell.sh;
    # The project belongs to the host's user; owners seen through a share may differ.
    gitconfig.source = lib.mkForce ../debian/tree/etc/gitconfig;
  };

  # The image holds what these would make (image.nix); the one needs perl, the other perl or systemd.
  system.activationScripts = {
    etc = lib.mkForce "";
    users = lib.mkForce "";
    hashes = lib.mkForce "";
    # The agent mounted /proc, /dev and the like.
    specialfs = lib.mkForce "";
  };
  system.etc.overlay.enable = false;
}
