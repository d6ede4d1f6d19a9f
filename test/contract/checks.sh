# What guest/CONTRACT.md promises to who uses a guest, as checks that run in it: `bash checks.sh` as the guest's user. One line a check,
# `ok NAME` or `not ok NAME: WHY`; `bash checks.sh --list` prints the names. The same list for every image and both profiles.
#
# Told by the environment: PROFILE (agent, systemd), WANTED_USER, WANTED_UID, WANTED_GID, WANTED_HOSTNAME, SHARE (a mounted directory of
# the host), HOST_SECONDS (the host's clock as the script starts).
set -uo pipefail

checks=()
# check NAME : declares the function that follows; its status is the answer, and what it prints is the reason when that is not 0.
check() { checks+=("$1"); }

# is WANTED GOT : equal, or says what it is.
is() { [ "$1" = "$2" ] || { echo "wanted '$1', got '$2'"; return 1; }; }
# has WORD TEXT : one of the words of TEXT, which are separated by commas, colons or white space.
has() { case " ${2//[,:$'\n']/ } " in *" $1 "*) ;; *) echo "no '$1' in '$2'"; return 1 ;; esac; }
lacks() { if has "$1" "$2" >/dev/null; then echo "'$1' in '$2'"; return 1; fi; }

# mounted POINT KIND OPTION... : the last file system on POINT is of KIND and has the options; `!OPTION` must not be there.
mounted() {
  local point=$1 kind=$2 line option
  shift 2
  line=$(awk -v point="$point" '$2 == point { line = $3 " " $4 } END { print line }' /proc/mounts)
  [ -n "$line" ] || { echo "nothing is mounted on $point"; return 1; }
  is "$kind" "${line%% *}" || return 1
  for option; do
    case $option in
      !*) lacks "${option#!}" "${line#* }" || return 1 ;;
      *) has "$option" "${line#* }" || return 1 ;;
    esac
  done
}
owner() { stat -c '%U %a' "$1"; }
setting() { nix config show "$1" 2>/dev/null; }
running() { grep -lxF "$1" /proc/[0-9]*/comm 2>/dev/null | grep -q .; }

# First of all: every later check may start the daemon.
check 'nix-daemon is not started before somebody asks for it'
check_nix_daemon_is_not_started_before_somebody_asks_for_it() { ! running nix-daemon || { echo 'a process nix-daemon runs'; return 1; }; }

check 'process 1 is that of the profile'
check_process_1_is_that_of_the_profile() {
  case $PROFILE in
    agent) is init "$(cat /proc/1/comm)" ;;
    systemd) is systemd "$(cat /proc/1/comm)" && is active "$(sudo -n systemctl is-active vzagent.service)" ;;
  esac
}

# --- file systems -------------------------------------------------------------------------------------------------------------

check 'the image is read-only'
check_the_image_is_read_only() { mounted /nix/.l/image erofs ro nodev; }

check 'the volume is ext4 without set-uid programs and devices'
check_the_volume_is_ext4_without_set_uid_programs_and_devices() { mounted /nix/.l/vol ext4 rw nosuid nodev noatime errors=remount-ro; }

check 'the store is one overlay of image and volume'
check_the_store_is_one_overlay_of_image_and_volume() {
  mounted /nix/store overlay rw nosuid nodev upperdir=/nix/.l/vol/store workdir=/nix/.l/vol/work redirect_dir=nofollow \
    '!index=on' '!metacopy=on' '!xino=on' '!volatile' && { mounted /nix/store overlay lowerdir=/nix/.l/image || mounted /nix/store overlay lowerdir=/nix/.l/lower; }
}

check 'database and upper layer share the volume'
check_database_and_upper_layer_share_the_volume() { is "$(stat -c %d /nix/.l/vol/store)" "$(stat -c %d /nix/var/nix/db)"; }

check 'the socket of nix-daemon lies in memory'
check_the_socket_of_nix_daemon_lies_in_memory() { mounted /nix/var/nix/daemon-socket tmpfs nosuid nodev && is 'root 666' "$(owner /nix/var/nix/daemon-socket/socket)"; }

check 'the caches of the user outlive the boot'
check_the_caches_of_the_user_outlive_the_boot() { is "$(stat -c %d /nix/.l/vol/store)" "$(stat -c %d "$HOME/.cache")" && is "$WANTED_USER 700" "$(owner "$HOME/.cache")"; }

check 'run and tmp are memory'
check_run_and_tmp_are_memory() { mounted /run tmpfs nosuid nodev && mounted /tmp tmpfs nosuid nodev && is 1777 "$(stat -c %a /tmp)"; }

check 'terminals and shared memory are there'
check_terminals_and_shared_memory_are_there() {
  mounted /dev/pts devpts nosuid noexec mode=620 ptmxmode=666 gid=5 && mounted /dev/shm tmpfs nosuid nodev && is 1777 "$(stat -c %a /dev/shm)"
}

check 'dev has the links that shells expect'
check_dev_has_the_links_that_shells_expect() {
  local name
  for name in fd stdin stdout stderr; do [ -L /dev/$name ] || { echo "/dev/$name is no link"; return 1; }; done
  is there "$(cat <(echo there))"
}

check 'control groups are unified'
check_control_groups_are_unified() { mounted /sys/fs/cgroup cgroup2 nosuid nodev noexec nsdelegate; }

check 'the root can be written and is memory'
check_the_root_can_be_written_and_is_memory() { mounted / overlay rw && sudo -n sh -c 'echo x >/var/.vzshell && rm /var/.vzshell'; }

check 'the share is mounted on the path of the host'
check_the_share_is_mounted_on_the_path_of_the_host() { mounted "$SHARE" virtiofs rw nosuid nodev; }

check 'the kernel counts the inodes of shares that it remembers'
check_the_kernel_counts_the_inodes_of_shares_that_it_remembers() {
  local count
  count=$(sudo -n cat /sys/kernel/slab/fuse_inode/objects) && [[ $count == [1-9]* ]] || { echo "it says '$count'"; return 1; }
}

# --- names in the root ----------------------------------------------------------------------------------------------------------

check 'the root has the names of the contract'
check_the_root_has_the_names_of_the_contract() {
  local name
  for name in /bin/sh /bin/bash /usr/bin/env /usr/bin/nix-daemon /usr/bin/sqlite3 /usr/sbin/mke2fs /usr/sbin/e2fsck; do
    [ -x "$name" ] || { echo "$name is no program"; return 1; }
  done
  for name in /usr/share/zoneinfo/Europe/Berlin /etc/ssl/certs/ca-certificates.crt; do
    [ -s "$name" ] || { echo "$name is missing or empty"; return 1; }
  done
}

check 'the image says which Nix it has'
check_the_image_says_which_nix_it_has() { has "$(cat /etc/vzshell/nix-version)" "$(nix --version)"; }

check 'everyday programs are on the path'
check_everyday_programs_are_on_the_path() {
  local name missing=''
  for name in awk bash cat curl diff find git grep gzip hostname ip kill less ls nano nix nix-build nix-store ps sed sh sqlite3 ssh ssh-keygen sudo \
    tar tput umount which xargs xz zstd; do
    command -v "$name" >/dev/null || missing+=" $name"
  done
  is '' "$missing"
}

check 'terminals that people sit at are known'
check_terminals_that_people_sit_at_are_known() {
  local name
  for name in xterm-256color tmux-256color screen-256color alacritty xterm-kitty xterm-ghostty foot linux; do
    tput -T "$name" cup 1 1 >/dev/null 2>&1 || { echo "no terminfo entry for $name"; return 1; }
  done
}

# --- the user ---------------------------------------------------------------------------------------------------------------------

check 'the user is the one of the host'
check_the_user_is_the_one_of_the_host() { is "$WANTED_USER $WANTED_UID $WANTED_GID" "$(id -un) $(id -u) $(id -g)"; }

check 'the home belongs to the user'
check_the_home_belongs_to_the_user() { is "$WANTED_USER" "$(stat -c %U "$HOME")" && is "$HOME" "$(cd && pwd -P)"; }

check 'the user becomes root without a password'
check_the_user_becomes_root_without_a_password() { is 0 "$(sudo -n id -u)" && is 0 "$(env -i /bin/sh -c 'PATH=/run/wrappers/bin:/usr/bin:/bin sudo -n id -u')"; }

check 'passwords are kept from the user and neither user nor root is locked'
check_passwords_are_kept_from_the_user_and_neither_user_nor_root_is_locked() {
  [ "$WANTED_UID" = 0 ] || [ ! -r /etc/shadow ] || { echo '/etc/shadow can be read'; return 1; }
  is '' "$(sudo -n awk -F: -v user="$WANTED_USER" '($1 == user || $1 == "root") && $2 ~ /^!/ { print $1 }' /etc/shadow)"
}

check 'there are users for builds'
check_there_are_users_for_builds() { [ "$(awk -F: '$1 == "nixbld" { print split($4, m, ",") }' /etc/group)" -ge 1 ] || { echo 'the group nixbld has no members'; return 1; }; }

check 'the base environment is that of the contract'
check_the_base_environment_is_that_of_the_contract() {
  is "$WANTED_USER" "${USER-}" && is "$WANTED_USER" "${LOGNAME-}" && is C.UTF-8 "${LANG-}" && is "/run/user/$WANTED_UID" "${XDG_RUNTIME_DIR-}" &&
    is "$WANTED_USER 700" "$(owner "$XDG_RUNTIME_DIR")" && [ -x "$SHELL" ]
}

check 'the path is what exists of that of the contract'
check_the_path_is_what_exists_of_that_of_the_contract() {
  local dir want=''
  for dir in /run/wrappers/bin "$HOME/.nix-profile/bin" /run/current-system/sw/bin /usr/local/bin /usr/bin /bin /usr/local/sbin /usr/sbin /sbin; do
    if [ -d "$dir" ]; then want+=:$dir; fi
  done
  is "${want#:}" "$PATH"
}

check 'a login shell keeps the path that it was given'
check_a_login_shell_keeps_the_path_that_it_was_given() { is "/nix/dev-shell:$PATH" "$(PATH="/nix/dev-shell:$PATH" /bin/bash -lc 'echo "$PATH"')"; }

check 'many files may be open'
check_many_files_may_be_open() { [ "$(ulimit -Sn)" -ge 4096 ] && [ "$(ulimit -Hn)" -ge 524288 ] || { echo "soft $(ulimit -Sn), hard $(ulimit -Hn)"; return 1; }; }

check 'the machine knows its name'
check_the_machine_knows_its_name() { is "$WANTED_HOSTNAME" "$(hostname)" && is "$WANTED_HOSTNAME" "$(cat /etc/hostname)" && has "$WANTED_HOSTNAME" "$(cat /etc/hosts)"; }

check 'the clock is that of the host'
check_the_clock_is_that_of_the_host() {
  local drift=$(($(date +%s) - SECONDS - HOST_SECONDS))
  [ "${drift#-}" -le 30 ] || { echo "$drift s off"; return 1; }
}

check 'git works in a checkout of another user'
check_git_works_in_a_checkout_of_another_user() { is '*' "$(git config --system --get safe.directory)"; }

# --- Nix ----------------------------------------------------------------------------------------------------------------------------

check 'nix.conf is that of the contract'
check_nix_conf_is_that_of_the_contract() {
  local name feature
  is daemon "$(setting store)" || return 1
  for feature in nix-command flakes local-overlay-store read-only-local-store; do has "$feature" "$(setting experimental-features)" || return 1; done
  for name in sandbox=true sandbox-fallback=false sync-before-registering=true auto-optimise-store=false flake-registry= \
    warn-dirty=false build-users-group=nixbld; do
    is "$name" "${name%%=*}=$(setting "${name%%=*}")" || return 1
  done
  # Nix itself takes a shorter one where there is no network.
  grep -qx 'connect-timeout = 5' /etc/nix/nix.conf || { echo 'no connect-timeout'; return 1; }
  has root "$(setting trusted-users)" && has @sudo "$(setting trusted-users)"
}

check 'the settings of the host are included'
check_the_settings_of_the_host_are_included() { grep -qx '!include /run/vzshell/nix.conf' /etc/nix/nix.conf && [ -f /run/vzshell/nix.conf ]; }

check 'root asks the daemon too whatever its environment'
check_root_asks_the_daemon_too_whatever_its_environment() { is daemon "$(sudo -n env -i "$(command -v nix)" config show store 2>/dev/null)"; }

check 'the daemon answers and trusts the user'
check_the_daemon_answers_and_trusts_the_user() { nix store info --json 2>/dev/null | grep -q '"trusted": *true' || nix store info 2>&1 | grep -qx 'Trusted: 1' || nix store info 2>&1; }

check 'the daemon alone opens the layered store'
check_the_daemon_alone_opens_the_layered_store() { grep -qz local-overlay:// <(sudo -n cat $(grep -lxF nix-daemon /proc/[0-9]*/comm | sed 's/comm$/cmdline/')) || { echo 'no nix-daemon has it on its command line'; return 1; }; }

check 'the image is valid without registration at boot'
check_the_image_is_valid_without_registration_at_boot() {
  local path
  path=$(find /nix/.l/image -mindepth 1 -maxdepth 1 ! -name '.links' ! -name '*.drv' | sort | head -1)
  [ -n "$path" ] || { echo 'the image has no store path'; return 1; }
  nix-store --check-validity "/nix/store/${path##*/}" 2>&1
}

# build NAME : builds something small without any input, and prints its path.
build() {
  nix-build --no-out-link -E "derivation { name = \"$1\"; system = builtins.currentSystem; builder = \"/bin/sh\"; args = [ \"-c\" \"echo \$NIX_BUILD_TOP >\$out\" ]; }" 2>&1 | tail -1
}

check 'a sandboxed build works and lies on the volume'
check_a_sandboxed_build_works_and_lies_on_the_volume() {
  local path
  path=$(build contract)
  [ -f "$path" ] || { echo "$path"; return 1; }
  is /build "$(cat "$path")" && [ -f "/nix/.l/vol/store/${path##*/}" ] && nix-store --verify-path "$path"
}

check 'garbage collection takes builds and leaves the image'
check_garbage_collection_takes_builds_and_leaves_the_image() {
  local path image
  path=$(build garbage)
  [ -f "$path" ] || { echo "$path"; return 1; }
  image=$(ls -A /nix/.l/image | sort | sha256sum)
  nix-store --gc >/dev/null 2>&1 || { nix-store --gc 2>&1 | tail -3; return 1; }
  [ ! -e "$path" ] || { echo "$path is still there"; return 1; }
  is '' "$(sudo -n find /nix/.l/vol/store -maxdepth 1 -type c)" && is "$image" "$(ls -A /nix/.l/image | sort | sha256sum)" &&
    check_the_image_is_valid_without_registration_at_boot
}

check 'profiles and roots belong to the user'
check_profiles_and_roots_belong_to_the_user() {
  local kind
  for kind in profiles gcroots; do is "$WANTED_USER" "$(stat -c %U "/nix/var/nix/$kind/vzshell/$WANTED_USER")" || return 1; done
  is /nix/var/nix/profiles "$(readlink /nix/var/nix/gcroots/profiles)"
}

check 'the kernel command line holds nothing but settings'
check_the_kernel_command_line_holds_nothing_but_settings() {
  local word
  for word in $(cat /proc/cmdline); do
    case ${word,,} in *key=* | *token* | *secret* | *passw*) echo "'$word'"; return 1 ;; esac
  done
}

if [ "${1:-}" = --list ]; then
  printf '%s\n' "${checks[@]}"
  exit 0
fi
failed=0
for name in "${checks[@]}"; do
  function=$(LC_ALL=C tr '[:upper:]' '[:lower:]' <<<"$name" | LC_ALL=C tr -c 'a-z0-9\n' _)
  if said=$("check_$function" 2>&1); then
    echo "ok $name"
  else
    failed=1
    echo "not ok $name: $(tr '\n' ' ' <<<"$said" | cut -c1-600)"
  fi
done
exit $failed
