#include "checks.h"

#include <set>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace vzshell {

namespace {

Maybe<Failure> checkDirectory(const Directory &directory, const std::string &option) {
  struct stat status;
  if (stat(directory.path.c_str(), &status) < 0) {
    return Failure::invalid(option, "cannot share '" + directory.path + "': " + strerror(errno));
  }
  if (!S_ISDIR(status.st_mode)) return Failure::invalid(option, "'" + directory.path + "' is no directory; only directories are shared");
  return std::nullopt;
}

/** Whether a name of this set was there before. */
Maybe<Failure> once(std::set<std::string> &seen, const std::string &name, const std::string &option, const char *what) {
  if (seen.insert(name).second) return std::nullopt;
  return Failure::invalid(option, std::string("another ") + what + " has it already: '" + name + "'");
}

Maybe<Failure> checkStorage(const Config &config) {
  std::set<std::string> identifiers, writable;
  for (size_t i = 0; i < config.storage.size(); i++) {
    const Storage &storage = config.storage[i];
    const std::string option = at("storage", i);
    if (storage.id) {
      if (auto failure = once(identifiers, *storage.id, option + ".id", "disk")) return failure;
    }
    const auto *image = std::get_if<DiskImage>(&storage.attachment);
    if (!image) continue;
    if (auto failure = checkImage(*image, option + ".attachment.path")) return failure;
    if (image->readOnly) continue;
    if (auto failure = once(writable, image->path, option + ".attachment.path", "writable disk")) return failure;
  }
  for (size_t i = 0; i < config.usb.size(); i++) {
    for (size_t j = 0; j < config.usb[i].devices.size(); j++) {
      const auto *image = std::get_if<DiskImage>(&config.usb[i].devices[j].attachment);
      const std::string option = at(at("usb", i) + ".devices", j) + ".attachment.path";
      if (!image) continue;
      if (auto failure = checkImage(*image, option)) return failure;
    }
  }
  return std::nullopt;
}

Maybe<Failure> checkBoot(const Boot &boot, const std::string &arch) {
  struct stat status;
  if (const auto *efi = std::get_if<EfiBoot>(&boot)) {
    const bool exists = stat(efi->variableStore.c_str(), &status) == 0;
    const char *option = "boot.variableStore.path";
    if (efi->create && exists) return Failure::invalid(option, "'" + efi->variableStore + "' exists already");
    if (!efi->create && !exists) return Failure::invalid(option, "there is no '" + efi->variableStore + "'; `create` makes one");
    return std::nullopt;
  }
  const auto &direct = std::get<LinuxBoot>(boot);
  if (auto failure = checkKernel(direct.kernel, arch)) return failure;
  if (!direct.initrd) return std::nullopt;
  if (stat(direct.initrd->c_str(), &status) < 0) {
    return Failure::invalid("boot.initrd", "cannot read '" + *direct.initrd + "': " + strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) return Failure::invalid("boot.initrd", "'" + *direct.initrd + "' is no file");
  return std::nullopt;
}

}  // namespace

Maybe<Failure> checkShare(const Share &share, const std::string &option) {
  if (const auto *single = std::get_if<SingleShare>(&share)) return checkDirectory(single->directory, option + ".directory.path");
  const auto *multiple = std::get_if<MultipleShare>(&share);
  if (!multiple) return std::nullopt;
  for (const auto &[name, directory] : multiple->directories) {
    if (auto failure = checkDirectory(directory, option + ".directories['" + name + "'].path")) return failure;
  }
  return std::nullopt;
}

Maybe<Failure> checkConfig(const Config &config, const std::string &arch) {
  if (auto failure = checkBoot(config.boot, arch)) return failure;
  if (auto failure = checkStorage(config)) return failure;
  std::set<std::string> tags, macs;
  for (size_t i = 0; i < config.shares.size(); i++) {
    const std::string option = at("shares", i);
    if (auto failure = once(tags, config.shares[i].tag, option + ".tag", "share")) return failure;
    if (auto failure = checkShare(config.shares[i].share, option + ".share")) return failure;
  }
  for (size_t i = 0; i < config.network.size(); i++) {
    if (!config.network[i].mac) continue;
    if (auto failure = once(macs, *config.network[i].mac, at("network", i) + ".mac", "network device")) return failure;
  }
  return std::nullopt;
}

}  // namespace vzshell
