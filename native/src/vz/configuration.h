// From a `Config` to the framework's configuration. One file per concern; each function gives an autoreleased object, or nil with
// `why` set. What this macOS lacks is refused here by name, before the framework is asked.
#pragma once

#include <utility>
#include <vector>

#include "../backend.h"
#include "errors.h"
#include "ownership.h"
#include "platform.h"

namespace vzshell {

/** Why a part could not be made. The first reason is kept. */
class Why {
 public:
  /** Nil, so that a function can return it. */
  std::nullptr_t operator()(Failure failure) {
    if (!failure_) failure_ = std::move(failure);
    return nullptr;
  }
  const Maybe<Failure> &failure() const { return failure_; }

 private:
  Maybe<Failure> failure_;
};

struct Configuration {
  Retained<VZVirtualMachineConfiguration *> object;
  Identity identity;
  Maybe<Failure> saveObstacle;
  /** Attachments to network block devices, and their place in `storage`. */
  std::vector<std::pair<size_t, Retained<VZStorageDeviceAttachment *>>> networkDisks;
};

/** All of it, validated by us and by the framework. */
Result<Configuration> makeConfiguration(const Config &config);

VZBootLoader *makeBootLoader(const Boot &boot, Why &why);
VZGenericPlatformConfiguration *makePlatform(const Config &config, Why &why);

VZStorageDeviceAttachment *makeStorageAttachment(const StorageAttachment &attachment, const std::string &option, Why &why);
VZStorageDeviceConfiguration *makeStorage(const Storage &storage, const std::string &option, Why &why);
VZUSBMassStorageDeviceConfiguration *makeUsbStorage(const UsbStorage &storage, const std::string &option, Why &why);

VZNetworkDeviceAttachment *makeNetworkAttachment(const NetworkAttachment &attachment, const std::string &option, Why &why);
VZNetworkDeviceConfiguration *makeNetwork(const Network &network, const std::string &option, Why &why);
VZNetworkDeviceAttachment *makeVmnet(const VmnetNetwork &network, const std::string &option, Why &why);

VZDirectoryShare *makeShare(const Share &share, const std::string &option, Why &why);
VZDirectorySharingDeviceConfiguration *makeShareDevice(const ShareDevice &device, const std::string &option, Why &why);

VZSerialPortConfiguration *makeSerial(const SerialAttachment &serial, const std::string &option, Why &why);
VZConsoleDeviceConfiguration *makeConsole(const Console &console, const std::string &option, Why &why);

VZGraphicsDeviceConfiguration *makeGraphics(const Graphics &graphics, const std::string &option, Why &why);
VZAudioDeviceConfiguration *makeSound(const Sound &sound, const std::string &option, Why &why);
/** Of class VZUSBControllerConfiguration, which macOS 15 brought. */
NSArray *makeUsbControllers(const std::vector<UsbController> &controllers, Why &why);

/** An NSFileHandle on a duplicate that it closes; nil with `why` set. */
NSFileHandle *makeHandle(int descriptor, const std::string &option, Why &why);

}  // namespace vzshell
