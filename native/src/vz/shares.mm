#include "configuration.h"

namespace vzshell {

namespace {

VZSharedDirectory *makeDirectory(const Directory &directory) {
  return autoreleased([[VZSharedDirectory alloc] initWithURL:fileURL(directory.path) readOnly:directory.readOnly]);
}

VZDirectoryShare *makeMultiple(const MultipleShare &share, const std::string &option, Why &why) {
  NSMutableDictionary *directories = [NSMutableDictionary dictionary];
  for (const auto &[name, directory] : share.directories) {
    const std::string path = option + ".directories['" + name + "']";
    // Asked before, because the initializer raises for a bad name.
    NSString *canonical = [VZMultipleDirectoryShare canonicalizedNameFromName:text(name)];
    if (!canonical || ![VZMultipleDirectoryShare validateName:text(name) error:nullptr]) {
      const std::string better = canonical ? "; '" + text(canonical) + "' can" : "";
      return why(Failure::invalid(path, "cannot be the name of a directory in the guest" + better));
    }
    if ([directories objectForKey:canonical]) {
      return why(Failure::invalid(path, "is the same name as another one to the guest: '" + text(canonical) + "'"));
    }
    [directories setObject:makeDirectory(directory) forKey:canonical];
  }
  return autoreleased([[VZMultipleDirectoryShare alloc] initWithDirectories:directories]);
}

API_AVAILABLE(macos(14.0))
VZLinuxRosettaCachingOptions *makeCaching(const RosettaCaching &caching, const std::string &option, Why &why) {
  NSError *error = nil;
  VZLinuxRosettaCachingOptions *options = nil;
  if (caching.abstract) {
    if (!caching.name) return why(Failure::invalid(option + ".name", "an abstract socket needs a name"));
    options = autoreleased([[VZLinuxRosettaAbstractSocketCachingOptions alloc] initWithName:text(*caching.name)
                                                                                       error:&error]);
  } else if (caching.name) {
    options = autoreleased([[VZLinuxRosettaUnixSocketCachingOptions alloc] initWithPath:text(*caching.name)
                                                                                   error:&error]);
  } else {
    return autoreleased([[VZLinuxRosettaUnixSocketCachingOptions alloc] init]);
  }
  return options ? options : why(failureFrom(error, option + ".name"));
}

VZDirectoryShare *makeRosetta(const RosettaShare &rosetta, const std::string &option, Why &why) {
#if defined(__APPLE__) && !defined(__arm64__)
  (void)rosetta;
  return why(Failure::unsupported(option, "Rosetta", "a Mac with Apple silicon"));
#else
  switch ([VZLinuxRosettaDirectoryShare availability]) {
    case VZLinuxRosettaAvailabilityNotSupported:
      return why(Failure::unsupported(option, "Rosetta", "a Mac with Apple silicon that has it"));
    case VZLinuxRosettaAvailabilityNotInstalled:
      return why(Failure::unsupported(option, "Rosetta", "Rosetta to be installed: `softwareupdate --install-rosetta`"));
    case VZLinuxRosettaAvailabilityInstalled:
      break;
  }
  NSError *error = nil;
  VZLinuxRosettaDirectoryShare *share = autoreleased([[VZLinuxRosettaDirectoryShare alloc] initWithError:&error]);
  if (!share) return why(failureFrom(error, option));
  if (!rosetta.caching) return share;
  if (VZS_AVAILABLE(14.0)) {
    VZLinuxRosettaCachingOptions *options = makeCaching(*rosetta.caching, option + ".caching", why);
    if (!options) return nil;
    share.options = options;
    return share;
  }
  return why(Failure::unsupported(option + ".caching", "Rosetta's cache", "macOS 14"));
#endif
}

}  // namespace

VZDirectoryShare *makeShare(const Share &share, const std::string &option, Why &why) {
  if (const auto *single = std::get_if<SingleShare>(&share)) {
    return autoreleased([[VZSingleDirectoryShare alloc] initWithDirectory:makeDirectory(single->directory)]);
  }
  if (const auto *multiple = std::get_if<MultipleShare>(&share)) return makeMultiple(*multiple, option, why);
  return makeRosetta(std::get<RosettaShare>(share), option, why);
}

VZDirectorySharingDeviceConfiguration *makeShareDevice(const ShareDevice &device, const std::string &option, Why &why) {
  NSError *error = nil;
  if (![VZVirtioFileSystemDeviceConfiguration validateTag:text(device.tag) error:&error]) {
    return why(failureFrom(error, option + ".tag"));
  }
  VZDirectoryShare *share = makeShare(device.share, option + ".share", why);
  if (!share) return nil;
  VZVirtioFileSystemDeviceConfiguration *made =
      autoreleased([[VZVirtioFileSystemDeviceConfiguration alloc] initWithTag:text(device.tag)]);
  made.share = share;
  return made;
}

}  // namespace vzshell
