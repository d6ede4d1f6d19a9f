#!/usr/bin/env bash
# rootfs.sh ARCH LOCK DEBS ROOT : the root tree from .deb files, without running any of them, as any user. Owners become 0:0 in
# mkfs.erofs. What Debian's maintainer scripts would have done is done here by hand; plain settings lie in tree/.
set -euo pipefail
arch=$1 lock=$(realpath "$2") debs=$(realpath "$3") root=$4
here=$(dirname "$(realpath "$0")")
case $arch in arm64) multiarch=aarch64-linux-gnu ;; amd64) multiarch=x86_64-linux-gnu ;; esac
export LC_ALL=C

unpack() {
  # The usr-merge links come first: base-files ships them too, and the order of extraction must not matter.
  for directory in bin sbin lib; do
    mkdir -p "$root/usr/$directory"
    ln -s "usr/$directory" "$root/$directory"
  done
  if [ "$arch" = amd64 ]; then
    mkdir -p "$root/usr/lib64"
    ln -s usr/lib64 "$root/lib64"
  fi
  awk '$1 ~ /(^|,)root(,|$)/ { print $7 }' "$lock" | while read -r file; do
    dpkg-deb --fsys-tarfile "$debs/${file##*/}" | tar -x -p -C "$root" --keep-directory-symlink --no-same-owner \
      --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' --exclude='./usr/share/info/*' \
      --exclude='./usr/share/lintian/*' --exclude='./usr/share/bug/*' --exclude='./usr/share/gitweb/*' --exclude='./usr/share/perl5/*' \
      --exclude='./usr/lib/systemd/*' --exclude='./etc/init.d/*' --exclude='./etc/cron*' --exclude='./var/cache/*' \
      --exclude='./usr/share/zoneinfo/right/*' --exclude='./usr/share/zoneinfo/posix/*'
  done
}

accounts() {
  cp usr/share/base-passwd/passwd.master etc/passwd
  cp usr/share/base-passwd/group.master etc/group
  sed -i 's#^root:\*:#root:x:#' etc/passwd
  echo 'sshd:x:101:65534::/run/sshd:/usr/sbin/nologin' >>etc/passwd
  seq 1 10 | while read -r i; do echo "nixbld$i:x:$((30000 + i)):30000:Nix build user $i:/var/empty:/usr/sbin/nologin"; done >>etc/passwd
  echo "nixbld:x:30000:$(seq -s, -f nixbld%g 1 10)" >>etc/group
  # `*`, not `!`: sshd refuses locked accounts even with a key.
  awk -F: '{ print $1 ":*:1::::::" }' etc/passwd >etc/shadow
  awk -F: '{ print $1 ":*::" }' etc/group >etc/gshadow
  chmod 640 etc/shadow etc/gshadow
}

authentication() {
  # One user in a machine of their own: whoever is in is in. Passwords do not exist.
  for stack in auth account password session session-noninteractive; do
    echo "${stack%-noninteractive} required pam_permit.so" >"etc/pam.d/common-$stack"
  done
  for service in sudo sudo-i su su-l login; do
    printf '%s\n' 'auth sufficient pam_rootok.so' 'auth required pam_permit.so' 'account required pam_permit.so' \
      'session required pam_permit.so' >"etc/pam.d/$service"
  done
}

links() {
  ln -sf gawk usr/bin/awk
  ln -sf which.debianutils usr/bin/which
  ln -sf less usr/bin/pager
  ln -sf nano usr/bin/editor
  ln -sf bash usr/bin/rbash
  [ -e usr/bin/sh ] || ln -s bash usr/bin/sh
  ln -sf /usr/share/zoneinfo/Etc/UTC etc/localtime
  ln -sf /proc/self/mounts etc/mtab
  ln -sf /run/resolv.conf etc/resolv.conf
}

certificates() {
  mkdir -p etc/ssl/certs
  for certificate in usr/share/ca-certificates/mozilla/*.crt; do
    cat "$certificate"
    echo
  done >etc/ssl/certs/ca-certificates.crt
}

# ncurses-base whole (xterm, tmux, screen, linux), and of ncurses-term's thousands the terminals that people really sit at.
terminals() {
  local all=usr/share/terminfo base path name
  base=$(awk '$2 == "ncurses-base" { print $7 }' "$lock")
  mv "$all" "$all.all"
  {
    dpkg-deb --fsys-tarfile "$debs/${base##*/}" | tar -t | sed -n 's#^\./usr/share/terminfo/\(./..*\)$#\1#p'
    for name in alacritty alacritty-direct foot foot-direct ghostty wezterm kitty xterm-kitty konsole konsole-256color \
      gnome gnome-256color vte vte-256color iterm2 iTerm2.app iterm2-direct nsterm nsterm-256color Apple_Terminal xterm-direct \
      tmux-direct screen.xterm-256color contour st st-256color putty putty-256color; do
      echo "${name::1}/$name"
    done
  } | while read -r path; do
    mkdir -p "$all/${path%/*}"
    cp -L "$all.all/$path" "$all/$path"
  done
  # TERM=xterm-ghostty is what Ghostty says; ncurses of trixie has its entry under the shorter name.
  ln -s ../g/ghostty "$all/x/xterm-ghostty"
  rm -rf "$all.all"
}

# Completion for programs that are there.
completions() {
  local directory=usr/share/bash-completion/completions file name
  for file in "$directory"/*; do
    name=${file##*/}
    name=${name#_}
    if [ ! -e "usr/bin/$name" ] && [ ! -e "usr/sbin/$name" ]; then rm "$file"; fi
  done
  find "$directory" -xtype l -delete
}

# Large, and without use in a guest: character sets of the last century, git's servers, kernel-tuning odds and ends.
slim() {
  local converters=usr/lib/$multiarch/gconv
  find "$converters" -name '*.so' ! -name 'ISO8859-1.so' ! -name 'ISO8859-15.so' ! -name 'CP1252.so' ! -name 'UTF-*.so' \
    ! -name 'UNICODE.so' -delete
  rm -f usr/lib/git-core/{git-daemon,git-http-backend,git-http-push,git-imap-send,git-shell,scalar} usr/bin/{git-shell,scalar} \
    usr/bin/{pzstd,cvtsudoers} usr/sbin/{sudo_logsrvd,sudo_sendlog,tipc,dcb,devlink,debugfs}
  ln -sf ../../bin/git usr/lib/git-core/git # Debian ships the same 4 MB twice
  rm -rf etc/systemd etc/apt etc/cron* var/lib/dpkg var/cache usr/lib/apt usr/lib/dpkg usr/lib/udev usr/games \
    usr/share/{pixmaps,applications,menu,debconf,common-licenses,gdb,lintian,bug,doc,man,info,locale,fish,zsh,perl5,cmake}
}

empty_places() {
  mkdir -p proc sys dev run tmp var/empty var/tmp var/log home mnt root etc/default usr/local/{bin,sbin,lib,include,share}
  mkdir -p nix/store nix/var/nix nix/.l/image nix/.l/lower nix/.l/host nix/.l/vol
  chmod 1777 tmp var/tmp
  : >etc/machine-id
}

mkdir -p "$root"
unpack
cd "$root"
accounts
authentication
links
certificates
terminals
completions
slim
empty_places
cp -R "$here/tree/." .
# The agent tells the host which Nix this is; asking the program would cost a second of every boot.
mkdir -p etc/vzshell
awk '$2 == "nix-bin" { sub(/[-+].*/, "", $3); print $3 }' "$lock" >etc/vzshell/nix-version
chmod 440 etc/sudoers etc/sudoers.d/*
