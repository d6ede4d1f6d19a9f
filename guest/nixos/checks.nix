# `nix flake check`: what can be said of the flake without booting it. The workflow boots it (docs/nixos-guest.md).
{
  self,
  guests,
  pkgs,
  system,
}:
let
  inherit (pkgs) lib;
  imageOf = modules: (guests.mkGuest { inherit system modules; }).config.system.build.vzshell;
  base = imageOf [ ];
  own = imageOf [ { environment.systemPackages = [ pkgs.hello ]; } ];
  # Fails while evaluating when `condition` is false.
  holds =
    name: condition:
    assert lib.assertMsg condition "check failed: ${name}";
    pkgs.writeText name "ok\n";
in
{
  agent = self.packages.${system}.agent;
  guest-image = base.image;

  formatting = pkgs.runCommand "formatting" { nativeBuildInputs = [ pkgs.nixfmt ]; } ''
    find ${../..}/{flake.nix,guest/nixos,templates} -name '*.nix' -exec nixfmt --check {} +
    touch $out
  '';

  # A guest of one's own shares kernel and initrd with the released one: only the root is built.
  own-guest-builds-only-its-root = holds "own-guest-builds-only-its-root" (
    own.kernel.drvPath == base.kernel.drvPath
    && own.initrd.drvPath == base.initrd.drvPath
    && own.root.drvPath != base.root.drvPath
  );

  unknown-option-is-refused = holds "unknown-option-is-refused" (
    !(builtins.tryEval (imageOf [ { virtualisation.vzshell.profil = "agent"; } ]).image.drvPath).success
  );
}
