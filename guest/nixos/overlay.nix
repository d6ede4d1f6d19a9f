# vzagent, which runs in guests, and vzshell, which runs on hosts.
final: _prev: {
  vzagent = final.callPackage ./agent.nix { };
  vzshell = final.callPackage ./vzshell.nix { };
}
