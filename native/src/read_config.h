// From JavaScript to a `Config`, and the parts of it that change while a machine runs. The types of src/driver/vz/config.ts and
// src/driver/devices.ts are checked here, and what no macOS takes; what a certain macOS lacks is the backend's to say.
#pragma once

#include "config.h"
#include "reader.h"

namespace vzshell {

Config readConfig(const Reader &value);

StorageAttachment readStorageAttachment(const Reader &value);
Storage readStorage(const Reader &value);
UsbStorage readUsbStorage(const Reader &value);
NetworkAttachment readNetworkAttachment(const Reader &value);
Network readNetwork(const Reader &value);
Share readShare(const Reader &value);
ShareDevice readShareDevice(const Reader &value);
SerialAttachment readSerial(const Reader &value);
Console readConsole(const Reader &value);
Graphics readGraphics(const Reader &value);
Sound readSound(const Reader &value);

}  // namespace vzshell
