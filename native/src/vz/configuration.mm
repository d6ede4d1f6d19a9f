#include "configuration.h"

#include "../checks.h"

namespace vzshell {

namespace {

template <class Entry, class Make>
NSArray *makeEach(const std::vector<Entry> &entries, const char *option, Why &why, Make make) {
  NSMutableArray *all = [NSMutableArray array];
  for (size_t i = 0; i < entries.size(); i++) {
    NSObject *object = make(entries[i], at(option, i), why);
    if (!object) return [NSArray array];
    [all addObject:object];
  }
  return all;
}

Maybe<Failure> outOfLimits(const char *option, uint64_t value, uint64_t least, uint64_t most, const char *unit) {
  if (value >= least && value <= most) return std::nullopt;
  return Failure::invalid(option, "this Mac takes " + std::to_string(least) + " to " + std::to_string(most) + unit +
                                      ", got " + std::to_string(value));
}

Maybe<Failure> hostObstacle() {
  // Asked first: the framework gives one and the same code for these and for a wrong option.
  if (![VZVirtualMachine isSupported]) {
    Failure failure = Failure::unsupported("", "", "");
    failure.message = "this Mac cannot run virtual machines";
    failure.needs = "a Mac that can run virtual machines, and is none itself";
    return failure;
  }
  if (!isEntitled("com.apple.security.virtualization")) {
    Failure failure = Failure::unsupported("", "", "");
    failure.message = "this executable may not run virtual machines: it is not signed with the entitlement "
                      "com.apple.security.virtualization";
    failure.needs = "the entitlement com.apple.security.virtualization";
    return failure;
  }
  return std::nullopt;
}

void fill(VZVirtualMachineConfiguration *object, const Config &config, Why &why) {
  object.CPUCount = config.cpus;
  object.memorySize = config.memory;
  object.storageDevices = makeEach(config.storage, "storage", why, makeStorage);
  object.networkDevices = makeEach(config.network, "network", why, makeNetwork);
  object.directorySharingDevices = makeEach(config.shares, "shares", why, makeShareDevice);
  object.serialPorts = makeEach(config.serial, "serial", why, makeSerial);
  object.consoleDevices = makeEach(config.consoles, "consoles", why, makeConsole);
  object.graphicsDevices = makeEach(config.graphics, "graphics", why, makeGraphics);
  object.audioDevices = makeEach(config.sound, "sound", why, makeSound);
  if (config.vsock) object.socketDevices = @[ make<VZVirtioSocketDeviceConfiguration>() ];
  if (config.entropy) object.entropyDevices = @[ make<VZVirtioEntropyDeviceConfiguration>() ];
  if (config.balloon) object.memoryBalloonDevices = @[ make<VZVirtioTraditionalMemoryBalloonDeviceConfiguration>() ];
  if (config.keyboard) object.keyboards = @[ make<VZUSBKeyboardConfiguration>() ];
  if (config.pointer) object.pointingDevices = @[ make<VZUSBScreenCoordinatePointingDeviceConfiguration>() ];
  if (config.usb.empty()) return;
  if (VZS_AVAILABLE(15.0)) {
    object.usbControllers = makeUsbControllers(config.usb, why);
  } else {
    why(Failure::unsupported("usb", "a USB controller", "macOS 15"));
  }
}

Maybe<Failure> saveObstacleOf(VZVirtualMachineConfiguration *object) {
  if (VZS_AVAILABLE(14.0)) {
    NSError *error = nil;
    if ([object validateSaveRestoreSupportWithError:&error]) return std::nullopt;
    return failureFrom(error);
  }
  Failure failure = Failure::unsupported("", "", "macOS 14");
  failure.message = "saving a machine needs macOS 14";
  return failure;
}

}  // namespace

Result<Configuration> makeConfiguration(const Config &config) {
  if (auto failure = hostObstacle()) return *failure;
  if (auto failure = outOfLimits("cpus", config.cpus, [VZVirtualMachineConfiguration minimumAllowedCPUCount],
                                 [VZVirtualMachineConfiguration maximumAllowedCPUCount], " CPUs")) {
    return *failure;
  }
  if (auto failure = outOfLimits("memory", config.memory, [VZVirtualMachineConfiguration minimumAllowedMemorySize],
                                 [VZVirtualMachineConfiguration maximumAllowedMemorySize], " bytes")) {
    return *failure;
  }
  if (auto failure = checkConfig(config, processorArch())) return *failure;

  Why why;
  VZVirtualMachineConfiguration *object = make<VZVirtualMachineConfiguration>();
  object.bootLoader = makeBootLoader(config.boot, why);
  VZGenericPlatformConfiguration *platform = why.failure() ? nil : makePlatform(config, why);
  if (platform) object.platform = platform;
  if (!why.failure()) fill(object, config, why);
  if (why.failure()) return *why.failure();

  NSError *error = nil;
  if (![object validateWithError:&error]) return failureFrom(error);

  Configuration made{Retained<VZVirtualMachineConfiguration *>(object), {}, saveObstacleOf(object), {}};
  made.identity.machineIdentifier =
      text([platform.machineIdentifier.dataRepresentation base64EncodedStringWithOptions:0]);
  for (VZNetworkDeviceConfiguration *network in object.networkDevices) {
    made.identity.macs.push_back(text(network.MACAddress.string));
  }
  size_t index = 0;
  for (VZStorageDeviceConfiguration *storage in object.storageDevices) {
    if (std::holds_alternative<NetworkBlockDevice>(config.storage[index].attachment)) {
      made.networkDisks.emplace_back(index, Retained<VZStorageDeviceAttachment *>(storage.attachment));
    }
    index++;
  }
  return made;
}

}  // namespace vzshell
