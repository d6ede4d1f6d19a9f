# Makes a NixOS configuration a guest of vzshell: what guest/CONTRACT.md asks of an image. One file per concern.
{
  imports = [
    ./options.nix
    ./small.nix
    ./nix.nix
    ./accounts.nix
    ./etc.nix
    ./programs.nix
    ./activation.nix
    ./systemd.nix
    ./image.nix
  ];
}
