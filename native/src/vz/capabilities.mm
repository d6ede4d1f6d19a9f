// What this Mac can do, and why not where it cannot.

#include "errors.h"
#include "ownership.h"
#include "../backend.h"

namespace vzshell {

namespace {

/** Features that every macOS we run on has. */
constexpr const char *kAlways[] = {"boot-linux", "boot-efi",      "virtio-block", "usb-storage", "nat",   "file-handle-network",
                                   "virtiofs",   "vsock",         "console-ports", "spice-agent", "graphics", "sound", "pause"};

std::string needsMacos(const char *version) { return std::string("needs macOS ") + version; }

VZLinuxRosettaAvailability rosettaAvailability() {
#if defined(__APPLE__) && !defined(__arm64__)
  return static_cast<VZLinuxRosettaAvailability>(0);
#else
  return [VZLinuxRosettaDirectoryShare availability];
#endif
}

Maybe<std::string> whyNoRosetta(VZLinuxRosettaAvailability availability) {
  switch (availability) {
    case VZLinuxRosettaAvailabilityNotSupported:
      return "this Mac has no Rosetta for Linux";
    case VZLinuxRosettaAvailabilityNotInstalled:
      return "Rosetta is not installed: `softwareupdate --install-rosetta`";
    case VZLinuxRosettaAvailabilityInstalled:
      return std::nullopt;
  }
  return std::nullopt;
}

Maybe<std::string> whyNoNesting() {
  if (VZS_AVAILABLE(15.0)) {
    if ([VZGenericPlatformConfiguration isNestedVirtualizationSupported]) return std::nullopt;
    return "this Mac's chip lacks it: an M3 or newer has it";
  }
  return needsMacos("15");
}

void addNewer(std::vector<Feature> &features, const Maybe<std::string> &whyNoRosetta) {
  Maybe<std::string> fourteen = needsMacos("14");
  Maybe<std::string> fifteen = needsMacos("15");
  Maybe<std::string> twentySix = needsMacos("26");
  if (VZS_AVAILABLE(14.0)) fourteen.reset();
  if (VZS_AVAILABLE(15.0)) fifteen.reset();
#if VZS_HEADERS_26
  if (VZS_AVAILABLE(26.0)) twentySix.reset();
#endif
  features.push_back({"nvme", fourteen});
  features.push_back({"block-device", fourteen});
  features.push_back({"nbd", fourteen});
  features.push_back({"rosetta", whyNoRosetta});
  features.push_back({"rosetta-caching", fourteen ? fourteen : whyNoRosetta});
  features.push_back({"usb-hotplug", fifteen});
  features.push_back({"vmnet", twentySix});
#if defined(__APPLE__) && !defined(__arm64__)
  fourteen = "needs a Mac with Apple silicon";
#endif
  features.push_back({"save-restore", fourteen});
}

void addInterfaces(Capabilities &found) {
  for (VZBridgedNetworkInterface *interface in [VZBridgedNetworkInterface networkInterfaces]) {
    NSString *name = interface.localizedDisplayName;
    found.bridgedInterfaces.emplace_back(text(interface.identifier), name ? Maybe<std::string>(text(name)) : std::nullopt);
  }
}

Capabilities look() {
  Capabilities found{};
  found.macos = macosVersion();
  found.arch = processorArch();
  found.supported = [VZVirtualMachine isSupported];
  found.entitled = isEntitled("com.apple.security.virtualization");
  found.bridgedEntitled = isEntitled("com.apple.vm.networking");
  found.minCpus = static_cast<uint32_t>([VZVirtualMachineConfiguration minimumAllowedCPUCount]);
  found.maxCpus = static_cast<uint32_t>([VZVirtualMachineConfiguration maximumAllowedCPUCount]);
  found.minMemory = [VZVirtualMachineConfiguration minimumAllowedMemorySize];
  found.maxMemory = [VZVirtualMachineConfiguration maximumAllowedMemorySize];
  const VZLinuxRosettaAvailability rosetta = rosettaAvailability();
  const char *const states[] = {"not-supported", "not-installed", "installed"};
  found.rosetta = states[rosetta];
  addInterfaces(found);
  for (const char *name : kAlways) found.features.push_back({name, std::nullopt});
  addNewer(found.features, whyNoRosetta(rosetta));
  found.features.push_back(
      {"bridged", found.bridgedEntitled ? std::nullopt
                                        : Maybe<std::string>("needs the entitlement com.apple.vm.networking, which Apple grants")});
  found.features.push_back({"nested-virtualization", whyNoNesting()});
  return found;
}

}  // namespace

Result<Capabilities> capabilities() {
  @autoreleasepool {
    @try {
      return look();
    } @catch (NSException *exception) {
      return failureFrom(exception);
    }
  }
}

void installRosetta(Reply<Nothing> reply) {
  @autoreleasepool {
    @try {
#if defined(__APPLE__) && !defined(__arm64__)
      reply(Failure::unsupported("rosetta", "Rosetta", "a Mac with Apple silicon"));
#else
      [VZLinuxRosettaDirectoryShare installRosettaWithCompletionHandler:^(NSError *error) {
        if (error) {
          reply(failureFrom(error));
        } else {
          reply(Nothing{});
        }
      }];
#endif
    } @catch (NSException *exception) {
      reply(failureFrom(exception));
    }
  }
}

}  // namespace vzshell
