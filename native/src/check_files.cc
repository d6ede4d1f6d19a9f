// Looks into the files that a guest is made of.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "checks.h"
#include "descriptor.h"

namespace vzshell {

namespace {

constexpr off_t kBlock = 512;
constexpr size_t kHead = 1024;

struct Head {
  char bytes[kHead] = {};
  size_t size = 0;

  bool has(size_t offset, const char *magic, size_t length) const {
    return offset + length <= size && memcmp(bytes + offset, magic, length) == 0;
  }
};

Maybe<Head> readHead(int file) {
  Head head;
  const ssize_t count = pread(file, head.bytes, sizeof head.bytes, 0);
  if (count < 0) return std::nullopt;
  head.size = static_cast<size_t>(count);
  return head;
}

const char *compressionOf(const Head &head) {
  if (head.has(0, "\x1f\x8b", 2)) return "gzip";
  if (head.has(0, "\x28\xb5\x2f\xfd", 4)) return "zstd";
  if (head.has(0, "\xfd" "7zXZ", 5)) return "xz";
  if (head.has(0, "BZh", 3)) return "bzip2";
  if (head.has(0, "\x04\x22\x4d\x18", 4) || head.has(0, "\x02\x21\x4c\x18", 4)) return "lz4";
  if (head.has(0, "MZ", 2) && head.has(4, "zimg", 4)) return "as a self-extracting EFI program (CONFIG_EFI_ZBOOT)";
  return nullptr;
}

}  // namespace

Maybe<Failure> checkKernel(const std::string &path, const std::string &arch) {
  const char *option = "boot.kernel";
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const auto head = file ? readHead(file.get()) : std::nullopt;
  if (!head) return Failure::invalid(option, "cannot read '" + path + "': " + strerror(errno));
  const bool isArm = head->has(0x38, "ARM\x64", 4);
  const bool isIntel = head->has(0x202, "HdrS", 4) || (head->has(0, "\x7f" "ELF", 4) && head->has(0x12, "\x3e\0", 2));
  if (arch == "arm64" ? isArm : isIntel) return std::nullopt;
  if (isArm || isIntel) {
    return Failure::invalid(option, "'" + path + "' is a kernel for " + (isArm ? "arm64" : "x86_64") + ", and this Mac is " + arch);
  }
  if (const char *how = compressionOf(*head)) {
    return Failure::invalid(option, "'" + path + "' is compressed (" + how + "); the framework boots an uncompressed Image only");
  }
  return Failure::invalid(option, "'" + path + "' is no Linux kernel for " + arch);
}

Maybe<Failure> checkImage(const DiskImage &image, const std::string &option) {
  const Descriptor file(open(image.path.c_str(), (image.readOnly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK));
  struct stat status;
  if (!file || fstat(file.get(), &status) < 0) {
    const char *verb = image.readOnly ? "read" : "write";
    return Failure::invalid(option, std::string("cannot ") + verb + " '" + image.path + "': " + strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) return Failure::invalid(option, "'" + image.path + "' is no file");
  const auto head = readHead(file.get());
  if (head && head->has(0, "QFI\xfb", 4)) {
    return Failure::invalid(option, "'" + image.path + "' is a qcow2 image; convert it: qemu-img convert -O raw");
  }
  // ASIF images of macOS 26 have a size of their own.
  if (head && head->has(0, "shdw", 4)) return std::nullopt;
  if (status.st_size == 0 || status.st_size % kBlock != 0) {
    return Failure::invalid(option, "'" + image.path + "' has " + std::to_string(status.st_size) +
                                        " bytes; a disk image has a multiple of 512");
  }
  return std::nullopt;
}

}  // namespace vzshell
