# What a person or a build finds in the guest without a dev shell, and the names under which the agent finds its programs.
{
  config,
  lib,
  pkgs,
  ...
}:
{
  environment = {
    defaultPackages = [ ];
    # NixOS has the usual tools by itself.
    systemPackages = [
      pkgs.cacert
      pkgs.e2fsprogs
      pkgs.gitMinimal # the other one brings perl
      pkgs.iproute2
      pkgs.kmod
      pkgs.less
      pkgs.openssh
      pkgs.sqlite
    ]
    ++ config.virtualisation.vzshell.terminals;
    pathsToLink = [
      "/share/bash-completion"
      "/share/terminfo"
    ];
  };

  virtualisation.vzshell.terminals = [
    pkgs.alacritty.terminfo
    pkgs.foot.terminfo
    pkgs.ghostty.terminfo
    pkgs.kitty.terminfo
    pkgs.wezterm.terminfo
  ];

  programs.nano.enable = lib.mkDefault true;

  # Absolute names in the root (guest/CONTRACT.md 1). Users find the same programs through PATH.
  system.build.vzshellLinks = {
    "/bin/sh" = "${config.environment.binsh}";
    "/bin/bash" = "${pkgs.bashInteractive}/bin/bash";
    "/usr/bin/env" = "${config.environment.usrbinenv}";
    "/usr/bin/nix-daemon" = "${config.nix.package}/bin/nix-daemon";
    "/usr/bin/sqlite3" = "${pkgs.sqlite}/bin/sqlite3";
    "/usr/sbin/mke2fs" = "${pkgs.e2fsprogs}/bin/mke2fs";
    "/usr/sbin/e2fsck" = "${pkgs.e2fsprogs}/bin/e2fsck";
    "/usr/share/bash-completion" = "${pkgs.bash-completion}/share/bash-completion";
    "/usr/share/zoneinfo" = "${pkgs.tzdata}/share/zoneinfo";
    "/etc/mtab" = "/proc/self/mounts";
    "/etc/resolv.conf" = "/run/resolv.conf";
    "/sbin/init" = "${config.systemd.package}/lib/systemd/systemd";
  };
}
