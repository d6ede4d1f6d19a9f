# Packages as far as guest/nixos names them. A name that is not here is an error, as it is in nixpkgs.
{ lib, system }:
let
  fake =
    name: attributes:
    derivation (
      {
        inherit name system;
        builder = "/no/builder";
      }
      // removeAttrs attributes [ "passthru" ]
    )
    // {
      inherit name;
      version = "1.0";
    }
    // (attributes.passthru or { });
  named = lib.genAttrs [
    "bash-completion"
    "cacert"
    "coreutils"
    "cpio"
    "e2fsprogs"
    "erofs-utils"
    "etc"
    "gitMinimal"
    "go"
    "hello"
    "iproute2"
    "jq"
    "kmod"
    "less"
    "modulesTree"
    "nix"
    "nixfmt"
    "nixfmt-tree"
    "nodejs_22"
    "openssh"
    "ripgrep"
    "sqlite"
    "systemd"
    "tzdata"
    "util-linux"
    "zstd"
  ] (name: fake name { });
  terminal = name: { terminfo = fake "${name}-terminfo" { }; };
  run =
    name: attributes: script:
    fake name (
      attributes
      // {
        inherit script;
        args = [ script ];
      }
    );
  pkgs =
    named
    // lib.genAttrs [ "alacritty" "foot" "ghostty" "kitty" "wezterm" ] terminal
    // {
      inherit lib;
      bashInteractive = fake "bash-interactive" { } // {
        shellPath = "/bin/bash";
      };
      stdenv.hostPlatform = {
        inherit system;
        isAarch64 = lib.hasPrefix "aarch64" system;
      };
      buildPackages = pkgs;
      linuxPackages.kernel =
        fake "linux" {
          outputs = [
            "out"
            "dev"
          ];
        }
        // {
          version = "6.18.1";
          modDirVersion = "6.18.1";
        };
      runCommand = run;
      runCommandCC = run;
      closureInfo = { rootPaths }: fake "closure-info" { inherit rootPaths; };
      writeText = name: text: fake name { inherit text; };
      writeShellScript = name: text: fake name { inherit text; };
      mkShell = pkgs.mkShellNoCC;
      mkShellNoCC = attributes: fake "shell" { packages = attributes.packages; };
      systemOf = fake "nixos-system";
      callPackage = lib.callPackageWith pkgs;
      buildGoModule =
        attributes:
        fake attributes.pname { src = attributes.src; } // { inherit (attributes) version vendorHash; };
      buildNpmPackage =
        attributes:
        fake attributes.pname { src = attributes.src; } // { inherit (attributes) version npmDeps; };
      importNpmLock = {
        __functor =
          _:
          { package, packageLock }:
          fake "npm-deps" { } // { inherit package packageLock; };
        npmConfigHook = fake "npm-config-hook" { };
      };
    };
in
pkgs
