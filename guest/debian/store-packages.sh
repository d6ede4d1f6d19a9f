# Sourced by store.sh: how each package of the image's own set is cut from Debian's files.

# In an order in which everything comes after what it needs.
PACKAGES=(glibc bash tool-libraries coreutils findutils gnugrep gnused gawk diffutils gnutar gzip gnumake jq hello gcc)

case $arch in
  arm64) SYSTEM=aarch64-linux LOADER=ld-linux-aarch64.so.1 MULTIARCH=aarch64-linux-gnu ;;
  amd64) SYSTEM=x86_64-linux LOADER=ld-linux-x86-64.so.2 MULTIARCH=x86_64-linux-gnu ;;
esac

# version_from PACKAGE ARCH : the Debian package whose version ours carries.
version_from() {
  case $1 in
    glibc | tool-libraries) echo libc6 ;;
    bash) echo bash-static ;;
    gnugrep) echo grep ;;
    gnused) echo sed ;;
    gnutar) echo tar ;;
    gnumake) echo make ;;
    gcc) [ "$2" = arm64 ] && echo gcc-14-aarch64-linux-gnu || echo gcc-14-x86-64-linux-gnu ;;
    *) echo "$1" ;;
  esac
}

# unpack DEB… : into a fresh $work/deb.
unpack() {
  local file name
  rm -rf "$work/deb"
  mkdir -p "$work/deb"
  for name; do
    file=$(awk -v name="$name" '$2 == name { print $7 }' "$locks/packages-$arch.lock")
    if [ -z "$file" ]; then echo "store.sh: the lock of $arch has no package '$name'." >&2; return 1; fi
    dpkg-deb --fsys-tarfile "$debs/${file##*/}" | tar -x -C "$work/deb" --no-same-owner --exclude='./usr/share/*'
  done
  # Some packages of a merged-usr system still ship /bin and /lib.
  for name in bin lib; do
    if [ -d "$work/deb/$name" ]; then mkdir -p "$work/deb/usr" && cp -R "$work/deb/$name" "$work/deb/usr/"; fi
  done
}

is_elf() { [ "$(head -c4 "$1" | tr -d '\0')" = $'\x7fELF' ]; }

# relink DIRECTORY RPATH : every ELF file below uses the store's loader and libraries; scripts use the store's bash.
relink() {
  local file
  find "$1" -type f \( -perm /111 -o -name '*.so*' \) | while read -r file; do
    if is_elf "$file"; then
      case $file in *.o | *.a) continue ;; esac
      chmod u+w "$file"
      patchelf --set-rpath "$2" "$file"
      if patchelf --print-interpreter "$file" >/dev/null 2>&1; then patchelf --set-interpreter "${out[glibc]}/lib/$LOADER" "$file"; fi
    elif head -c2 "$file" | grep -q '#!'; then
      chmod u+w "$file"
      sed -i "1s@^#! */\(usr/\)\?bin/\(ba\|da\)\?sh@#!${out[bash]}/bin/bash@" "$file"
    fi
  done
}

# programs DIRECTORY DEB… : usr/bin of the packages.
programs() {
  local to=$1
  shift
  unpack "$@"
  mkdir -p "$to"
  cp -a "$work/deb/usr/bin" "$to/bin"
  relink "$to" "${out[glibc]}/lib:${out[tool-libraries]}/lib"
}

make_package() { # PACKAGE DIRECTORY
  local to=$2
  case $1 in
    glibc)
      unpack libc6 libgcc-s1
      mkdir -p "$to/lib"
      cp -a "$work/deb/usr/lib/$MULTIARCH"/*.so* "$to/lib/"
      if [ ! -e "$to/lib/$LOADER" ]; then cp -a "$work/deb/usr/lib64/$LOADER" "$to/lib/"; fi
      rm -f "$to"/lib/{libmemusage,libpcprofile,libc_malloc_debug,libnss_hesiod}.so*
      ;;
    bash)
      unpack bash-static
      mkdir -p "$to/bin"
      cp "$work/deb/usr/bin/bash-static" "$to/bin/bash"
      ln -s bash "$to/bin/sh"
      ;;
    tool-libraries)
      unpack libacl1 libattr1 libcap2 libselinux1 libpcre2-8-0 libgmp10 libssl3t64 libmpfr6 libreadline8t64 libtinfo6 libsigsegv2 libjq1 libonig5 \
        zlib1g libzstd1
      mkdir -p "$to/lib"
      cp -a "$work/deb/usr/lib/$MULTIARCH"/{libacl,libattr,libcap,libselinux,libpcre2-8,libgmp,libcrypto,libmpfr,libreadline,libtinfo,libsigsegv,libjq,libonig,libz,libzstd}.so.* "$to/lib/"
      relink "$to" "${out[glibc]}/lib:${out[tool-libraries]}/lib"
      ;;
    coreutils)
      programs "$to" coreutils
      # They want libsystemd, to ask who is logged in.
      rm -f "$to"/bin/{who,users,pinky}
      ;;
    gnugrep) programs "$to" grep ;;
    gnused) programs "$to" sed ;;
    gnutar) programs "$to" tar ;;
    gnumake) programs "$to" make && ln -sfn make "$to/bin/gmake" ;;
    gawk) programs "$to" gawk && ln -sfn gawk "$to/bin/awk" && rm -f "$to"/bin/*bug ;;
    gcc) make_gcc "$to" ;;
    *) programs "$to" "$1" ;;
  esac
}

# The C compiler as Debian has it, its directories kept: gcc finds its own parts relative to itself, and headers and start files below
# --sysroot. Left out: LTO, C++, sanitizers, static libc, other architectures' headers.
make_gcc() {
  local to=$1 usr=$1/usr store_path=${1#"$root"} triple=$MULTIARCH name file
  local libexec=$usr/libexec/gcc/$triple/14 lib=$usr/lib/gcc/$triple/14
  unpack "gcc-14-${triple//_/-}" "cpp-14-${triple//_/-}" libgcc-14-dev libc6-dev linux-libc-dev "binutils-${triple//_/-}" libbinutils libctf0 \
    libctf-nobfd0 libsframe1 libjansson4 libmpc3 libisl23 zlib1g libzstd1 libgmp10 libmpfr6
  mkdir -p "$usr" "$to/bin"
  cp -a "$work/deb/usr/." "$usr/"

  rm -rf "$libexec"/{lto1,g++-mapper-server,install-tools,plugin} "$lib"/{plugin,include/sanitizer} \
    "$usr/bin/$triple"-{lto-dump,gcov,gcov-tool,gcov-dump,gcc-ranlib,gcc-nm,gcc-ar,cpp}-14 "$usr/bin/$triple"-{gprof,gprofng*,gp-*,dwp,elfedit,ld.gold,gold} \
    "$lib"/lib{asan,tsan,lsan,ubsan,hwasan,itm,gomp,quadmath,backtrace}* "$usr/lib/$triple"/{bfd-plugins,ldscripts,gconv,audit} \
    "$usr/lib/$triple"/{libc,libm-*,libmvec,libm}.a "$usr/lib/$triple"/*.la "$usr/include"/{drm,rdma,sound,video,xen,misc} "$usr/games" "$usr/src"
  find "$usr/lib/linux" "$usr/include" -maxdepth 3 -type d 2>/dev/null | headers_of_others | while read -r file; do rm -rf "$file"; done
  find "$usr" -xtype l -delete # to what was just left out, or to packages that are not here

  # The C library itself is the store's: start files link against it, and programs run on it.
  for file in "$root${out[glibc]}"/lib/*.so.*; do
    name=${file##*/}
    ln -sfn "${out[glibc]}/lib/$name" "$usr/lib/$triple/$name"
  done
  ln -s usr/lib "$to/lib"
  mkdir -p "$usr/lib64"
  ln -s usr/lib64 "$to/lib64"
  ln -sfn "${out[glibc]}/lib/$LOADER" "$usr/lib/$LOADER"
  ln -sfn "${out[glibc]}/lib/$LOADER" "$usr/lib64/$LOADER"
  relink "$usr" "${out[glibc]}/lib:$store_path/usr/lib/$triple"

  # Read by gcc at its start: programs get the store's loader and find the store's C library.
  cat >"$lib/specs" <<S
*link:
+ %{!static:%{!static-pie:%{!shared:-dynamic-linker ${out[glibc]}/lib/$LOADER} -rpath ${out[glibc]}/lib}}

S
  for name in as ld; do ln -s "../../../../bin/$triple-$name" "$libexec/$name"; done
  for file in "$usr/bin/$triple"-*; do
    name=${file##*/"$triple"-}
    case $name in *-14) ;; *) ln -s "../usr/bin/${file##*/}" "$to/bin/$name" ;; esac
  done
  printf '#!%s\nexec %s --sysroot=%s "$@"\n' "${out[bash]}/bin/bash" "$store_path/usr/bin/$triple-gcc-14" "$store_path" >"$to/bin/gcc"
  printf '#!%s\nexec %s -E "$@"\n' "${out[bash]}/bin/bash" "$store_path/bin/gcc" >"$to/bin/cpp"
  ln -sfn gcc "$to/bin/cc"
  chmod +x "$to/bin/gcc" "$to/bin/cpp"
}

# headers_of_others : of the directories on stdin, those that belong to other architectures.
headers_of_others() {
  local directory base
  while read -r directory; do
    base=${directory##*/}
    case $directory in
      */lib/linux/uapi/*)
        case $arch:$base in arm64:arm64 | amd64:x86) ;; *) echo "$directory" ;; esac
        ;;
      */include/*-linux-*) case $base in *-linux-*) [ "$base" = "$MULTIARCH" ] || echo "$directory" ;; esac ;;
    esac
  done
}

# check_libraries DIRECTORY : every library that an ELF file below asks for lies on its own search path.
check_libraries() {
  local file library directory found bad=0
  while read -r file; do
    is_elf "$file" || continue
    for library in $(patchelf --print-needed "$file" 2>/dev/null); do
      found=0
      for directory in $(patchelf --print-rpath "$file" | tr : ' '); do
        if [ -e "$root$directory/$library" ] || [ -L "$root$directory/$library" ]; then found=1; fi
      done
      if [ $found = 0 ] && [ "${file##*/}" != "$library" ] && [[ $file != *"${out[glibc]}"* ]]; then
        echo "store.sh: ${file#"$root"} needs $library, which is not on its path." >&2
        bad=1
      fi
    done
  done < <(find "$1" -type f \( -perm /111 -o -name '*.so*' \))
  return $bad
}
