# What the agent runs once per boot, as root, in the new root (guest/CONTRACT.md 1, `/etc/vzshell/activate`). Under emulation every
# program that starts here costs a boot 50 ms, so nothing is done that the image can hold.
{
  config,
  lib,
  pkgs,
  ...
}:
{
  system.build.vzshellActivate = pkgs.writeShellScript "vzshell-activate" ''
    set -eu
    export PATH=${
      lib.makeBinPath [
        pkgs.coreutils
        pkgs.util-linux
      ]
    }
    # /run is nosuid.
    mkdir -p ${dirOf config.security.wrapperDir}
    if [ "''${VZSHELL_PROFILE:-agent}" = agent ]; then
      mount -t tmpfs -o nodev,mode=755 wrappers ${dirOf config.security.wrapperDir}
      ${pkgs.writeShellScript "vzshell-wrappers" "set -e\n${config.systemd.services.suid-sgid-wrappers.script}"}
    fi
    toplevel=$(readlink /etc/vzshell/system)
    # As NixOS does, a boot goes on when a part of the activation failed; the agent's log has what it said.
    "$toplevel/activate" || echo "the activation of $toplevel ended with status $?" >&2
    ln -sfn "$toplevel" /run/booted-system
  '';
}
