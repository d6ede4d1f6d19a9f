// What changes while a machine runs: shares, network, balloon, USB devices.

#include "../checks.h"
#include "machine.h"

namespace vzshell {

namespace {

Failure noSuch(const std::string &option, const std::string &what, size_t asked, NSUInteger count) {
  return Failure::invalid(option, "there is no " + what + " " + std::to_string(asked) + "; the machine has " + std::to_string(count));
}

}  // namespace

void VzMachine::setShare(std::string tag, Share share, Reply<Nothing> reply) {
  perform<Nothing>(std::move(reply), [this, self = shared_from_this(), tag, share](Reply<Nothing> once) {
    if (std::holds_alternative<RosettaShare>(share)) {
      return once(Failure::invalid("share.kind", "Rosetta cannot be set after a machine was made"));
    }
    if (auto failure = checkShare(share, "share")) return once(*failure);
    for (VZDirectorySharingDevice *each in vm_.get().directorySharingDevices) {
      if (![each isKindOfClass:[VZVirtioFileSystemDevice class]]) continue;
      VZVirtioFileSystemDevice *device = static_cast<VZVirtioFileSystemDevice *>(each);
      if (text(device.tag) != tag) continue;
      Why why;
      VZDirectoryShare *made = makeShare(share, "share", why);
      if (!made) return once(*why.failure());
      device.share = made;
      return once(Nothing{});
    }
    once(Failure::invalid("tag", "the machine has no share '" + tag + "'"));
  });
}

void VzMachine::setNetwork(size_t index, Maybe<NetworkAttachment> attachment, Reply<Nothing> reply) {
  perform<Nothing>(std::move(reply), [this, self = shared_from_this(), index, attachment](Reply<Nothing> once) {
    NSArray<VZNetworkDevice *> *devices = vm_.get().networkDevices;
    if (index >= [devices count]) return once(noSuch("index", "network device", index, [devices count]));
    Why why;
    VZNetworkDeviceAttachment *made = attachment ? makeNetworkAttachment(*attachment, "attachment", why) : nil;
    if (why.failure()) return once(*why.failure());
    [devices objectAtIndex:index].attachment = made;
    once(Nothing{});
  });
}

void VzMachine::balloon(Reply<uint64_t> reply) {
  perform<uint64_t>(std::move(reply), [this, self = shared_from_this()](Reply<uint64_t> once) {
    auto *device = static_cast<VZVirtioTraditionalMemoryBalloonDevice *>([vm_.get().memoryBalloonDevices firstObject]);
    if (!device) return once(Failure::state("the machine has no balloon"));
    once(uint64_t{device.targetVirtualMachineMemorySize});
  });
}

void VzMachine::setBalloon(uint64_t bytes, Reply<Nothing> reply) {
  perform<Nothing>(std::move(reply), [this, self = shared_from_this(), bytes](Reply<Nothing> once) {
    auto *device = static_cast<VZVirtioTraditionalMemoryBalloonDevice *>([vm_.get().memoryBalloonDevices firstObject]);
    if (!device) return once(Failure::state("the machine has no balloon"));
    device.targetVirtualMachineMemorySize = bytes;
    once(Nothing{});
  });
}

void VzMachine::attachUsb(size_t index, UsbStorage storage, Reply<std::string> reply) {
  perform<std::string>(std::move(reply), [this, self = shared_from_this(), index, storage](Reply<std::string> once) {
    if (VZS_AVAILABLE(15.0)) {
      NSArray<VZUSBController *> *controllers = vm_.get().usbControllers;
      if (index >= [controllers count]) return once(noSuch("controller", "USB controller", index, [controllers count]));
      if (const auto *image = std::get_if<DiskImage>(&storage.attachment)) {
        if (auto failure = checkImage(*image, "device.attachment.path")) return once(*failure);
      }
      Why why;
      VZUSBMassStorageDeviceConfiguration *made = makeUsbStorage(storage, "device", why);
      if (!made) return once(*why.failure());
      VZUSBMassStorageDevice *device = autoreleased([[VZUSBMassStorageDevice alloc] initWithConfiguration:made]);
      const std::string uuid = text([device.uuid UUIDString]);
      [[controllers objectAtIndex:index] attachDevice:device
                                    completionHandler:^(NSError *error) {
                                      (void)self;
                                      if (error) return once(failureFrom(error));
                                      once(uuid);
                                    }];
      return;
    }
    once(Failure::unsupported("controller", "attaching a USB device", "macOS 15"));
  });
}

void VzMachine::detachUsb(size_t index, std::string uuid, Reply<Nothing> reply) {
  perform<Nothing>(std::move(reply), [this, self = shared_from_this(), index, uuid](Reply<Nothing> once) {
    if (VZS_AVAILABLE(15.0)) {
      NSArray<VZUSBController *> *controllers = vm_.get().usbControllers;
      if (index >= [controllers count]) return once(noSuch("controller", "USB controller", index, [controllers count]));
      VZUSBController *controller = [controllers objectAtIndex:index];
      NSUUID *wanted = autoreleased([[NSUUID alloc] initWithUUIDString:text(uuid)]);
      for (id<VZUSBDevice> device in controller.usbDevices) {
        if (!wanted || ![device.uuid isEqual:wanted]) continue;
        [controller detachDevice:device
               completionHandler:^(NSError *error) {
                 (void)self;
                 once(resultFrom(error));
               }];
        return;
      }
      return once(Failure::invalid("uuid", "no device '" + uuid + "' is attached there"));
    }
    once(Failure::unsupported("controller", "detaching a USB device", "macOS 15"));
  });
}

}  // namespace vzshell
