// Graphics, sound and USB controllers. Without a window nobody sees a display, but the guest has one.

#include "configuration.h"

namespace vzshell {

VZGraphicsDeviceConfiguration *makeGraphics(const Graphics &graphics, const std::string &, Why &) {
  NSMutableArray *scanouts = [NSMutableArray array];
  for (const Scanout &scanout : graphics.scanouts) {
    [scanouts addObject:autoreleased([[VZVirtioGraphicsScanoutConfiguration alloc] initWithWidthInPixels:scanout.width
                                                                                         heightInPixels:scanout.height])];
  }
  VZVirtioGraphicsDeviceConfiguration *made = make<VZVirtioGraphicsDeviceConfiguration>();
  made.scanouts = scanouts;
  return made;
}

VZAudioDeviceConfiguration *makeSound(const Sound &sound, const std::string &, Why &) {
  NSMutableArray *streams = [NSMutableArray array];
  for (const SoundStream &stream : sound.streams) {
    // A stream without source or sink is silent.
    if (stream.input) {
      VZVirtioSoundDeviceInputStreamConfiguration *input = make<VZVirtioSoundDeviceInputStreamConfiguration>();
      if (stream.host) input.source = make<VZHostAudioInputStreamSource>();
      [streams addObject:input];
    } else {
      VZVirtioSoundDeviceOutputStreamConfiguration *output = make<VZVirtioSoundDeviceOutputStreamConfiguration>();
      if (stream.host) output.sink = make<VZHostAudioOutputStreamSink>();
      [streams addObject:output];
    }
  }
  VZVirtioSoundDeviceConfiguration *made = make<VZVirtioSoundDeviceConfiguration>();
  made.streams = streams;
  return made;
}

NSArray *makeUsbControllers(const std::vector<UsbController> &controllers, Why &why) {
  NSMutableArray *all = [NSMutableArray array];
  if (VZS_AVAILABLE(15.0)) {
    for (size_t i = 0; i < controllers.size(); i++) {
      NSMutableArray *devices = [NSMutableArray array];
      for (size_t j = 0; j < controllers[i].devices.size(); j++) {
        VZUSBMassStorageDeviceConfiguration *device =
            makeUsbStorage(controllers[i].devices[j], at(at("usb", i) + ".devices", j), why);
        if (!device) return [NSArray array];
        [devices addObject:device];
      }
      VZXHCIControllerConfiguration *controller = autoreleased([[VZXHCIControllerConfiguration alloc] init]);
      controller.usbDevices = devices;
      [all addObject:controller];
    }
  }
  return all;
}

}  // namespace vzshell
