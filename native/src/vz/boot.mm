#include "configuration.h"

namespace vzshell {

namespace {

VZBootLoader *makeLinux(const LinuxBoot &boot) {
  VZLinuxBootLoader *loader = autoreleased([[VZLinuxBootLoader alloc] initWithKernelURL:fileURL(boot.kernel)]);
  if (boot.initrd) loader.initialRamdiskURL = fileURL(*boot.initrd);
  loader.commandLine = text(boot.cmdline);
  return loader;
}

VZBootLoader *makeEfi(const EfiBoot &boot, Why &why) {
  VZEFIVariableStore *store = nil;
  if (boot.create) {
    NSError *error = nil;
    store = autoreleased([[VZEFIVariableStore alloc] initCreatingVariableStoreAtURL:fileURL(boot.variableStore)
                                                                            options:0
                                                                              error:&error]);
    if (!store) return why(failureFrom(error, "boot.variableStore.path"));
  } else {
    store = autoreleased([[VZEFIVariableStore alloc] initWithURL:fileURL(boot.variableStore)]);
  }
  VZEFIBootLoader *loader = make<VZEFIBootLoader>();
  loader.variableStore = store;
  return loader;
}

}  // namespace

VZBootLoader *makeBootLoader(const Boot &boot, Why &why) {
  if (const auto *linux_ = std::get_if<LinuxBoot>(&boot)) return makeLinux(*linux_);
  return makeEfi(std::get<EfiBoot>(boot), why);
}

VZGenericPlatformConfiguration *makePlatform(const Config &config, Why &why) {
  VZGenericPlatformConfiguration *platform = make<VZGenericPlatformConfiguration>();
  if (config.machineIdentifier) {
    const char *option = "platform.machineIdentifier";
    NSData *data = autoreleased([[NSData alloc] initWithBase64EncodedString:text(*config.machineIdentifier) options:0]);
    VZGenericMachineIdentifier *identifier =
        [data length] == 0 ? nil : autoreleased([[VZGenericMachineIdentifier alloc] initWithDataRepresentation:data]);
    if (!identifier) return why(Failure::invalid(option, "is not a machine identifier that this framework made"));
    platform.machineIdentifier = identifier;
  }
  if (!config.nestedVirtualization) return platform;
  const char *option = "platform.nestedVirtualization";
  if (VZS_AVAILABLE(15.0)) {
    if (![VZGenericPlatformConfiguration isNestedVirtualizationSupported]) {
      return why(Failure::unsupported(option, "nested virtualization", "an M3 chip or newer"));
    }
    platform.nestedVirtualizationEnabled = YES;
    return platform;
  }
  return why(Failure::unsupported(option, "nested virtualization", "macOS 15"));
}

}  // namespace vzshell
