# nixpkgs' profile of this name sets options that vzshell neither sets nor reads.
{ }
