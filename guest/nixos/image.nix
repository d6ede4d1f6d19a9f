# The files of an image: kernel, initrd, root.erofs and the manifest that names them by sha256. Each is a derivation of its own, so that
# another configuration of the root builds neither a kernel nor an initrd.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.virtualisation.vzshell;
  linux = config.boot.kernelPackages.kernel;
  inherit (config.system.build) toplevel vzshellActivate vzshellAccounts;
  inherit (pkgs.stdenv.hostPlatform) system isAarch64;
  arch = if isAarch64 then "arm64" else "x86_64";

  # The agent loads them in this order, those up to the last of vsock at once (guest/CONTRACT.md 1).
  modules = [
    "virtio_pci"
    "vmw_vsock_virtio_transport"
    "virtio_console"
    "virtio_blk"
    "virtio_net"
    "virtio_rng"
    "erofs"
    "overlay"
    "ext4"
    "virtiofs"
  ]
  ++ lib.optionals (!isAarch64) [
    "button?"
    "pvpanic-pci?"
  ]
  ++ cfg.kernelModules;

  # A file, so that what the names lead to is in the closure.
  links = pkgs.writeText "vzshell-links" (
    lib.concatStrings (
      lib.mapAttrsToList (name: target: "${name} ${target}\n") config.system.build.vzshellLinks
    )
  );
in
{
  assertions = [
    {
      assertion = builtins.elem system [
        "aarch64-linux"
        "x86_64-linux"
      ];
      message = "vzshell has guests for aarch64-linux and x86_64-linux, not for ${system}.";
    }
    {
      assertion = config.boot.kernel.enable;
      message = "A guest boots the kernel of its configuration: boot.kernel.enable must stay true.";
    }
    {
      assertion = !config.systemd.sockets.nix-daemon.enable;
      message = "The guest agent listens in nix-daemon's place: systemd.sockets.nix-daemon.enable must stay false.";
    }
  ];

  system.requiredKernelConfig = map config.lib.kernelConfig.isEnabled [
    "VSOCKETS"
    "VIRTIO_VSOCKETS"
    "VIRTIO_PCI"
    "VIRTIO_BLK"
    "VIRTIO_CONSOLE"
    "EROFS_FS"
    "OVERLAY_FS"
    "EXT4_FS"
    "VIRTIO_FS"
    "USER_NS"
    "DEVTMPFS"
    "BLK_DEV_INITRD"
  ];

  system.build.vzshell = rec {
    # Direct boot wants it uncompressed: arm64's `Image`, and x86_64's ELF, which is entered by PVH.
    kernel = pkgs.runCommandCC "vzshell-kernel-${linux.version}" { } (
      if isAarch64 then "cp ${linux}/Image $out" else "$OBJCOPY --strip-all ${linux.dev}/vmlinux $out"
    );

    initrd =
      pkgs.runCommand "vzshell-initrd"
        {
          nativeBuildInputs = [
            pkgs.buildPackages.cpio
            pkgs.buildPackages.kmod
            pkgs.buildPackages.zstd
          ];
        }
        "bash ${./initrd.sh} ${config.system.modulesTree} ${linux.modDirVersion} ${cfg.agent}/bin/vzagent ${cfg.agent.version} $out ${lib.escapeShellArgs modules}";

    root = pkgs.runCommand "vzshell-root.erofs" {
      outputs = [
        "out"
        "database"
      ];
      nativeBuildInputs = [
        pkgs.buildPackages.erofs-utils
        pkgs.buildPackages.nix
        pkgs.buildPackages.sqlite
      ];
      closure = pkgs.closureInfo {
        rootPaths = [
          toplevel
          vzshellActivate
          links
        ];
      };
      inherit (vzshellAccounts) passwd group shadow;
      inherit links toplevel;
      etc = "${config.system.build.etc}/etc";
      activate = vzshellActivate;
      nixVersion = config.nix.package.version;
      compression = if cfg.compression == null then "" else cfg.compression;
    } "bash ${./root.sh} $out $database";

    # All under the names that vzshell looks for.
    image =
      pkgs.runCommand "vzshell-guest-${arch}"
        {
          nativeBuildInputs = [ pkgs.buildPackages.jq ];
          manifest = builtins.toJSON {
            schema = 1;
            contract = 1;
            inherit arch system;
            nixVersion = config.nix.package.version;
            # Every line of the agent reaches the console; the rest spares an emulated PC what it has not.
            cmdline = lib.concatStringsSep " " (
              [ "printk.devkmsg=on" ]
              ++ lib.optionals (!isAarch64) [
                "reboot=t"
                "8250.nr_uarts=0"
              ]
              ++ cfg.kernelParams
            );
            builder = {
              name = "guest/nixos";
              kernel = linux.version;
              nixos = config.system.nixos.release;
              nixpkgs = if cfg.nixpkgsRevision == null then "unknown" else cfg.nixpkgsRevision;
              inherit (cfg) profile;
            };
          };
          passAsFile = [ "manifest" ];
        }
        ''
          mkdir $out
          ln -s ${kernel} $out/kernel
          ln -s ${initrd} $out/initrd
          ln -s ${root} $out/root.erofs
          ln -s ${root.database} $out/store.sqlite
          bash ${./manifest.sh} "$manifestPath" $out >manifest.json
          mv manifest.json $out/manifest.json
        '';
  };
}
