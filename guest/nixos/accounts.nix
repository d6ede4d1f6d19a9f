# Users and groups are settled when the image is built: the agent adds the host's user to plain files at boot, and what NixOS has
# for this would need perl or systemd.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib)
    attrNames
    attrValues
    concatMapStrings
    filter
    filterAttrs
    listToAttrs
    mapAttrs
    optional
    unique
    ;

  users = filterAttrs (_: user: user.enable or true) config.users.users;
  inherit (config.users) groups;

  # numbered ATTRIBUTE SET: every entry's id. Those that have none get the free ones from 999 down, in the order of their names.
  numbered =
    attribute: set:
    let
      fixed = filterAttrs (_: id: id != null) (mapAttrs (_: entry: entry.${attribute}) set);
      taken = attrValues fixed;
      free = filter (id: !builtins.elem id taken) (lib.reverseList (lib.range 100 999));
      without = filter (name: !fixed ? ${name}) (attrNames set);
    in
    fixed
    // listToAttrs (
      lib.zipListsWith (name: id: {
        inherit name;
        value = id;
      }) without free
    );

  uids = numbered "uid" users;
  gids = numbered "gid" groups;

  shellOf =
    user:
    if user.shell == null then
      "/run/current-system/sw/bin/nologin"
    else if user.shell ? shellPath then
      "/run/current-system/sw${user.shell.shellPath}"
    else
      toString user.shell;

  members =
    name: group:
    unique (
      group.members
      ++ lib.concatMap (user: optional (builtins.elem name user.extraGroups) user.name) (attrValues users)
    );

  line = fields: lib.concatStringsSep ":" (map toString fields) + "\n";
  # Root first: programs read these files from the top.
  rootFirst = names: [ "root" ] ++ filter (name: name != "root") names;
in
{
  users = {
    allowNoPasswordLogin = true; # nobody logs in: the host's user is let in by the agent
    # The group whose members may become root; the agent puts the host's user into it.
    groups.sudo.gid = 27;
    users.root.shell = lib.mkOverride 900 "/bin/bash"; # before NixOS' own default
  };
  services.userborn.enable = false;
  systemd.sysusers.enable = false;

  security.sudo = {
    enable = true;
    extraRules = [
      {
        groups = [ "sudo" ];
        commands = [
          {
            command = "ALL";
            options = [
              "NOPASSWD"
              "SETENV"
            ];
          }
        ];
      }
    ];
    extraConfig = ''
      Defaults !authenticate, env_keep += "NIX_PATH LANG TZ COLORTERM TERMINFO_DIRS"
      Defaults secure_path="/run/wrappers/bin:/run/current-system/sw/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    '';
  };

  system.build.vzshellAccounts = {
    passwd = pkgs.writeText "passwd" (
      concatMapStrings (
        name:
        let
          user = users.${name};
        in
        line [
          name
          "x"
          uids.${name}
          (gids.${user.group} or 65534)
          user.description
          user.home
          (shellOf user)
        ]
      ) (rootFirst (attrNames users))
    );
    group = pkgs.writeText "group" (
      concatMapStrings (
        name:
        line [
          name
          "x"
          gids.${name}
          (lib.concatStringsSep "," (members name groups.${name}))
        ]
      ) (rootFirst (attrNames groups))
    );
    # `*`, not `!`: sshd refuses locked accounts even with a key.
    shadow = pkgs.writeText "shadow" (
      concatMapStrings (name: "${name}:*:1::::::\n") (rootFirst (attrNames users))
    );
  };
}
