#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "configuration.h"

namespace vzshell {

namespace {

VZStorageDeviceAttachment *attachImage(const DiskImage &image, const std::string &option, Why &why) {
  NSError *error = nil;
  // Never the automatic mode: it corrupts the file systems of Linux guests.
  VZStorageDeviceAttachment *attachment = autoreleased([[VZDiskImageStorageDeviceAttachment alloc]
              initWithURL:fileURL(image.path)
                 readOnly:image.readOnly
              cachingMode:VZDiskImageCachingModeCached
      synchronizationMode:VZDiskImageSynchronizationModeFsync
                    error:&error]);
  return attachment ? attachment : why(failureFrom(error, option + ".path"));
}

VZStorageDeviceAttachment *attachBlock(const BlockDevice &block, const std::string &option, Why &why) {
  if (VZS_AVAILABLE(14.0)) {
    const int descriptor = open(block.path.c_str(), (block.readOnly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
    if (descriptor < 0) {
      return why(Failure::invalid(option + ".path", "cannot open '" + block.path + "': " + strerror(errno)));
    }
    NSFileHandle *handle =
        autoreleased([[NSFileHandle alloc] initWithFileDescriptor:descriptor closeOnDealloc:YES]);
    NSError *error = nil;
    VZStorageDeviceAttachment *attachment = autoreleased([[VZDiskBlockDeviceStorageDeviceAttachment alloc]
         initWithFileHandle:handle
                   readOnly:block.readOnly
        synchronizationMode:block.fullSync ? VZDiskSynchronizationModeFull : VZDiskSynchronizationModeNone
                      error:&error]);
    return attachment ? attachment : why(failureFrom(error, option + ".path"));
  }
  return why(Failure::unsupported(option, "a block device of the host", "macOS 14"));
}

VZStorageDeviceAttachment *attachNbd(const NetworkBlockDevice &nbd, const std::string &option, Why &why) {
  if (VZS_AVAILABLE(14.0)) {
    NSURL *url = [NSURL URLWithString:text(nbd.url)];
    if (!url) return why(Failure::invalid(option + ".url", "is not a URL: '" + nbd.url + "'"));
    NSError *error = nil;
    if (![VZNetworkBlockDeviceStorageDeviceAttachment validateURL:url error:&error]) {
      return why(failureFrom(error, option + ".url"));
    }
    VZStorageDeviceAttachment *attachment = autoreleased([[VZNetworkBlockDeviceStorageDeviceAttachment alloc]
                initWithURL:url
                    timeout:nbd.timeout / 1000.0
             forcedReadOnly:nbd.readOnly
        synchronizationMode:nbd.fullSync ? VZDiskSynchronizationModeFull : VZDiskSynchronizationModeNone
                      error:&error]);
    return attachment ? attachment : why(failureFrom(error, option + ".url"));
  }
  return why(Failure::unsupported(option, "a network block device", "macOS 14"));
}

}  // namespace

VZStorageDeviceAttachment *makeStorageAttachment(const StorageAttachment &attachment, const std::string &option, Why &why) {
  if (const auto *image = std::get_if<DiskImage>(&attachment)) return attachImage(*image, option, why);
  if (const auto *block = std::get_if<BlockDevice>(&attachment)) return attachBlock(*block, option, why);
  return attachNbd(std::get<NetworkBlockDevice>(attachment), option, why);
}

VZStorageDeviceConfiguration *makeStorage(const Storage &storage, const std::string &option, Why &why) {
  VZStorageDeviceAttachment *attachment = makeStorageAttachment(storage.attachment, option + ".attachment", why);
  if (!attachment) return nil;
  switch (storage.device) {
    case Storage::Device::virtio: {
      VZVirtioBlockDeviceConfiguration *block =
          autoreleased([[VZVirtioBlockDeviceConfiguration alloc] initWithAttachment:attachment]);
      if (!storage.id) return block;
      NSError *error = nil;
      if (![VZVirtioBlockDeviceConfiguration validateBlockDeviceIdentifier:text(*storage.id) error:&error]) {
        return why(failureFrom(error, option + ".id"));
      }
      block.blockDeviceIdentifier = text(*storage.id);
      return block;
    }
    case Storage::Device::nvme:
      if (VZS_AVAILABLE(14.0)) {
        return autoreleased([[VZNVMExpressControllerDeviceConfiguration alloc] initWithAttachment:attachment]);
      }
      return why(Failure::unsupported(option, "an NVMe controller", "macOS 14"));
    case Storage::Device::usb:
      return autoreleased([[VZUSBMassStorageDeviceConfiguration alloc] initWithAttachment:attachment]);
  }
  return nil;
}

VZUSBMassStorageDeviceConfiguration *makeUsbStorage(const UsbStorage &storage, const std::string &option, Why &why) {
  VZStorageDeviceAttachment *attachment = makeStorageAttachment(storage.attachment, option + ".attachment", why);
  if (!attachment) return nil;
  VZUSBMassStorageDeviceConfiguration *device =
      autoreleased([[VZUSBMassStorageDeviceConfiguration alloc] initWithAttachment:attachment]);
  if (!storage.uuid) return device;
  NSUUID *uuid = autoreleased([[NSUUID alloc] initWithUUIDString:text(*storage.uuid)]);
  if (!uuid) return why(Failure::invalid(option + ".uuid", "is not a UUID: '" + *storage.uuid + "'"));
  if (VZS_AVAILABLE(15.0)) {
    device.uuid = uuid;
    return device;
  }
  return why(Failure::unsupported(option + ".uuid", "a USB device's UUID", "macOS 15"));
}

}  // namespace vzshell
