{ system }:
let
  # What lies in the image for this system: versions, and one identity of all that the contents were made from.
  contents = (builtins.fromJSON (builtins.readFile ./contents.json)).${system};

  # The output of such a derivation was placed in the image's store when the image was made. Its builder cannot run: a path that is
  # missing is an error, never a build of something else. `identity` gives other contents another store path.
  prebuilt =
    pname: dependencies:
    derivation {
      inherit system dependencies;
      name = "${pname}-${contents.versions.${pname}}";
      inherit (contents) identity;
      builder = "/prebuilt-in-the-image";
      outputs = [ "out" ];
    }
    // {
      inherit pname;
      version = contents.versions.${pname};
    };

  pkgs = rec {
    inherit system;

    glibc = prebuilt "glibc" [ ];
    toolLibraries = prebuilt "tool-libraries" [ glibc ];

    bash = prebuilt "bash" [ ];
    bashInteractive = bash;
    coreutils = prebuilt "coreutils" [ toolLibraries ];
    findutils = prebuilt "findutils" [ toolLibraries ];
    gnugrep = prebuilt "gnugrep" [ toolLibraries ];
    gnused = prebuilt "gnused" [ toolLibraries ];
    gawk = prebuilt "gawk" [ toolLibraries ];
    diffutils = prebuilt "diffutils" [ toolLibraries ];
    gnutar = prebuilt "gnutar" [ toolLibraries ];
    gzip = prebuilt "gzip" [ toolLibraries ];
    gnumake = prebuilt "gnumake" [ toolLibraries ];
    jq = prebuilt "jq" [ toolLibraries ];
    hello = prebuilt "hello" [ toolLibraries ];
    gcc = prebuilt "gcc" [
      glibc
      bash
    ];

    stdenv = {
      inherit mkDerivation;
      shell = "${bash}/bin/bash";
      cc = gcc;
      hostPlatform = {
        inherit system;
      };
    };

    mkDerivation =
      arguments:
      let
        attributes = removeAttrs arguments [
          "pname"
          "version"
          "meta"
          "passthru"
        ];
      in
      derivation (
        {
          inherit system;
          name = arguments.name or "${arguments.pname}-${arguments.version}";
          outputs = [ "out" ];
          builder = "${bash}/bin/bash";
          args = [
            "-e"
            ./stdenv/build.sh
          ];
          stdenv = ./stdenv;
          initialPath = [
            coreutils
            findutils
            diffutils
            gnused
            gnugrep
            gawk
            gnutar
            gzip
            bash
            gnumake
            gcc
          ];
        }
        // attributes
      )
      // (arguments.passthru or { });

    # An environment, as in nixpkgs: `packages` on PATH, other attributes as variables, `shellHook` run on entry.
    mkShell =
      {
        name ? "nix-shell",
        packages ? [ ],
        buildInputs ? [ ],
        nativeBuildInputs ? [ ],
        ...
      }@arguments:
      mkDerivation (
        removeAttrs arguments [ "packages" ]
        // {
          inherit name buildInputs;
          nativeBuildInputs = packages ++ nativeBuildInputs;
          buildCommand = "export >$out";
        }
      );
    mkShellNoCC = mkShell;

    runCommand =
      name: environment: buildCommand:
      mkDerivation (environment // { inherit name buildCommand; });

    writeText =
      name: text:
      mkDerivation {
        inherit name text;
        passAsFile = [ "text" ];
        buildCommand = ''cp "$textPath" "$out"'';
      };

    writeShellScriptBin =
      name: text:
      mkDerivation {
        inherit name;
        text = "#!${bash}/bin/bash\n${text}\n";
        passAsFile = [ "text" ];
        buildCommand = ''
          mkdir -p "$out/bin"
          cp "$textPath" "$out/bin/$name"
          chmod +x "$out/bin/$name"
        '';
      };
  };
in
pkgs
