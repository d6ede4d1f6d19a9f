# Any NixOS configuration; `virtualisation.vzshell.*` is what a guest has besides.
{ pkgs, ... }:
{
  environment.systemPackages = [ pkgs.ripgrep ];

  # `systemd` runs the configuration's services too; `agent` starts in less than a second.
  virtualisation.vzshell.profile = "agent";
}
