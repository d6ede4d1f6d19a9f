# The profile `systemd`: process 1 starts the agent as a child and becomes systemd, as soon as the machine is configured; the agent then
# lives on as this service. It is no child of the unit's command: the command only moves it into the unit's control group.
{ config, lib, ... }:
{
  systemd.units."vzagent.service" = {
    text = builtins.readFile ../agent/vzagent.service;
    wantedBy = [ "multi-user.target" ];
  };

  systemd = {
    # The root is there, writable, and no disk's.
    suppressedSystemUnits = [ "systemd-remount-fs.service" ];
    oomd.enable = lib.mkDefault false;
    coredump.enable = lib.mkDefault false;
    # Nobody sits at the console, and the agent lets people in.
    services."getty@".enable = false;
    services."serial-getty@".enable = false;
    network.wait-online.enable = lib.mkDefault false;
  };
  services.logind.settings.Login.KillUserProcesses = lib.mkDefault false;

  virtualisation.vzshell.kernelParams =
    lib.mkIf (config.virtualisation.vzshell.profile == "systemd")
      [
        "vzshell.init=systemd"
      ];
}
