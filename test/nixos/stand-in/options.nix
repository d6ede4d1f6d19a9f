# The options of NixOS that guest/nixos sets or reads, with the types that nixpkgs gives them (release 26.05).
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  option = type: default: mkOption { inherit type default; };
  flag = default: option types.bool default;
  text = option types.str "";
  service = types.submodule {
    freeformType = types.attrsOf types.unspecified;
    options = {
      enable = flag true;
      script = option types.lines "";
      wantedBy = option (types.listOf types.str) [ ];
      after = option (types.listOf types.str) [ ];
      unitConfig = option (types.attrsOf types.unspecified) { };
      serviceConfig = option (types.attrsOf types.unspecified) { };
    };
  };
  etcFile = types.submodule (
    { name, config, ... }:
    {
      options = {
        enable = flag true;
        text = option (types.nullOr types.lines) null;
        source = mkOption { type = types.path; };
        mode = option types.str "symlink";
      };
      config.source = lib.mkIf (config.text != null) (
        lib.mkDerivedConfig {
          value = config.text;
          priority = 100;
          highestPrio = 100;
        } (pkgs.writeText name)
      );
    }
  );
in
{
  options = {
    assertions = option (types.listOf types.unspecified) [ ];
    lib = option (types.attrsOf types.attrs) { };
    boot = {
      initrd.enable = flag true;
      loader.grub.enable = flag true;
      enableContainers = flag true;
      swraid.enable = flag false;
      kernel.enable = flag true;
      kernelPackages = option types.raw pkgs.linuxPackages;
    };
    console.enable = flag true;
    environment = {
      binsh = option types.path "${pkgs.bashInteractive}/bin/sh";
      usrbinenv = option (types.nullOr types.path) "${pkgs.coreutils}/bin/env";
      defaultPackages = option (types.listOf types.package) [ ];
      systemPackages = option (types.listOf types.package) [ ];
      pathsToLink = option (types.listOf types.str) [ ];
      etc = option (types.attrsOf etcFile) { };
    };
    fileSystems = option (types.attrsOf (
      types.submodule {
        options = {
          device = option (types.nullOr types.nonEmptyStr) null;
          fsType = option types.nonEmptyStr "auto";
        };
      }
    )) { };
    fonts.fontconfig.enable = flag true;
    i18n.defaultLocale = option types.str "en_US.UTF-8";
    networking = {
      hostName = option (types.strMatching "^$|^[[:alnum:]]([[:alnum:]_-]{0,61}[[:alnum:]])?$") "nixos";
      useDHCP = flag true;
      dhcpcd.enable = flag true;
      resolvconf.enable = flag true;
      firewall.enable = flag true;
    };
    nix = {
      package = option types.package pkgs.nix;
      channel.enable = flag true;
      nrBuildUsers = option types.int 32;
      extraOptions = option types.lines "";
      settings = option (types.submodule { freeformType = types.attrsOf types.anything; }) { };
      registry = option (types.attrsOf (
        types.submodule { options.to = option (types.attrsOf types.anything) { }; }
      )) { };
    };
    nixpkgs = {
      hostPlatform = option types.str "aarch64-linux";
      flake = {
        setFlakeRegistry = flag true;
        setNixPath = flag true;
      };
    };
    powerManagement.enable = flag true;
    programs = {
      less.lessopen = option (types.nullOr types.str) "|lesspipe %s";
      nano.enable = flag true;
    };
    security = {
      polkit.enable = flag false;
      wrapperDir = option types.path "/run/wrappers/bin";
      sudo = {
        enable = flag true;
        extraConfig = option types.lines "";
        extraRules = option (types.listOf (
          types.submodule {
            options = {
              groups = option (types.listOf (types.either types.str types.int)) [ ];
              users = option (types.listOf (types.either types.str types.int)) [ ];
              commands = option (types.listOf types.unspecified) [ ];
            };
          }
        )) [ ];
      };
    };
    services = {
      journald.storage = option (types.enum [
        "persistent"
        "volatile"
        "auto"
        "none"
      ]) "persistent";
      logind.settings.Login = option (types.attrsOf types.unspecified) { };
      lvm.enable = flag true;
      nscd.enable = flag true;
      timesyncd.enable = flag true;
      userborn.enable = flag false;
    };
    system = {
      activationScripts = option (types.attrsOf (types.either types.str types.attrs)) { };
      build = option (types.lazyAttrsOf types.unspecified) { };
      etc.overlay.enable = flag false;
      forbiddenDependenciesRegexes = option (types.listOf types.str) [ ];
      modulesTree = option (types.either types.package (types.listOf types.package)) pkgs.modulesTree;
      nixos = {
        release = option types.str "26.05";
        revision = option (types.nullOr types.str) "abc";
        versionSuffix = option types.str "pre-git";
      };
      nssModules = option (types.listOf types.path) [ ];
      requiredKernelConfig = option (types.listOf types.attrs) [ ];
      stateVersion = option types.str "26.05";
      switch.enable = flag true;
      disableInstallerTools = flag false;
      tools.nixos-generate-config.enable = flag true;
    };
    systemd = {
      package = option types.package pkgs.systemd;
      coredump.enable = flag true;
      network.wait-online.enable = flag true;
      oomd.enable = flag true;
      services = option (types.attrsOf service) { };
      sockets = option (types.attrsOf service) { };
      suppressedSystemUnits = option (types.listOf types.str) [ ];
      sysusers.enable = flag false;
      units = option (types.attrsOf (
        types.submodule {
          options = {
            text = option (types.nullOr types.str) null;
            wantedBy = option (types.listOf types.str) [ ];
          };
        }
      )) { };
    };
    users = {
      allowNoPasswordLogin = flag false;
      users = option (types.attrsOf (
        types.submodule (
          { name, ... }:
          {
            options = {
              name = option types.str name;
              uid = option (types.nullOr types.int) null;
              group = text;
              description = text;
              home = option types.path "/var/empty";
              shell = option (types.nullOr (types.either types.shellPackage types.path)) null;
              extraGroups = option (types.listOf types.str) [ ];
            };
          }
        )
      )) { };
      groups = option (types.attrsOf (
        types.submodule {
          options = {
            gid = option (types.nullOr types.int) null;
            members = option (types.listOf types.str) [ ];
          };
        }
      )) { };
    };
  };

  # What NixOS itself would have put there.
  config = {
    lib.kernelConfig.isEnabled = name: { inherit name; };
    system.build = {
      toplevel = pkgs.systemOf {
        packages = config.environment.systemPackages;
        settings = builtins.toJSON config.nix.settings;
      };
      etc = pkgs.etc;
    };
    systemd.services.suid-sgid-wrappers.script = "chmod 755 /run/wrappers";
    environment.etc.profile.text = "export PATH=/nowhere";
    environment.etc.bashrc.text = "# bash";
    users.groups = {
      root.gid = 0;
      nixbld.gid = 30000;
      wheel.gid = 1;
      messagebus = { };
    };
    users.users = {
      root = {
        uid = 0;
        group = "root";
        home = "/root";
        shell = lib.mkDefault pkgs.bashInteractive;
      };
      messagebus = {
        group = "messagebus";
        description = "D-Bus";
      };
    }
    // lib.listToAttrs (
      map (
        n:
        lib.nameValuePair "nixbld${toString n}" {
          uid = 30000 + n;
          group = "nixbld";
          extraGroups = [ "nixbld" ];
        }
      ) (lib.range 1 config.nix.nrBuildUsers)
    );
  };
}
