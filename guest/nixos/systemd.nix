# The profile `systemd`: process 1 starts the agent as a child and becomes systemd, as soon as the machine is configured; the agent then
# lives on as this service. It is no child of the unit's command: the command only moves it into the unit's control group.
{ config, lib, ... }:
{
  systemd.services.vzagent = {
    description = "Guest agent of vzshell";
    wantedBy = [ "multi-user.target" ];
    # It is what asks for the shutdown and unmounts the store at the end, so it is not stopped by one.
    unitConfig = {
      DefaultDependencies = false;
      ConditionPathExists = "/run/vzshell/vzagent";
      RefuseManualStop = true;
    };
    after = [ "basic.target" ];
    # Processes of users live below it.
    serviceConfig = {
      Type = "forking";
      PIDFile = "/run/vzshell/agent.pid";
      ExecStart = "/run/vzshell/vzagent adopt";
      Delegate = true;
      KillMode = "process";
      TasksMax = "infinity";
      LimitNOFILE = "4096:524288";
    };
    restartIfChanged = false;
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
