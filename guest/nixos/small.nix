# A guest has no hardware, no logins, no documentation, and nothing that starts by itself.
{
  config,
  lib,
  modulesPath,
  ...
}:
let
  inherit (lib) mkDefault;
in
{
  imports = [ (modulesPath + "/profiles/minimal.nix") ];

  boot = {
    # The initrd is ours (image.nix), the boot loader is the hypervisor.
    initrd.enable = false;
    loader.grub.enable = false;
    enableContainers = mkDefault false;
    swraid.enable = mkDefault false;
  };

  # The agent mounts the root before anything of NixOS runs; this entry satisfies the modules that ask for one.
  fileSystems."/" = {
    device = "overlay";
    fsType = "overlay";
  };

  networking = {
    # Name, address and resolv.conf are the agent's.
    hostName = "";
    useDHCP = false;
    dhcpcd.enable = false;
    resolvconf.enable = false;
    firewall.enable = mkDefault false;
  };

  services = {
    timesyncd.enable = false; # the host tells the time
    nscd.enable = false;
    lvm.enable = mkDefault false;
    journald.storage = mkDefault "volatile";
  };
  system.nssModules = lib.mkForce [ ]; # they need nscd

  security.polkit.enable = mkDefault false;
  powerManagement.enable = mkDefault false;
  console.enable = mkDefault false;
  fonts.fontconfig.enable = mkDefault false;
  i18n.defaultLocale = mkDefault "C.UTF-8";
  programs.less.lessopen = mkDefault null;

  system = {
    switch.enable = mkDefault false;
    disableInstallerTools = mkDefault true;
    tools.nixos-generate-config.enable = mkDefault false;
    # Commit and date would give the same contents another hash, and miss the binary cache.
    nixos.revision = mkDefault null;
    nixos.versionSuffix = mkDefault "";
    stateVersion = mkDefault config.system.nixos.release;
    # 60 MB that no part of the guest needs. A guest of one's own may want it: `lib.mkForce [ ]`.
    forbiddenDependenciesRegexes = mkDefault [ "-perl-" ];
  };
}
