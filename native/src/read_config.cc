#include "read_config.h"

namespace vzshell {

namespace {

constexpr size_t kMaxDevices = 64;
constexpr size_t kMaxCommandLine = 2047;  // COMMAND_LINE_SIZE of arm64 Linux, which cuts off the rest without a word
constexpr uint64_t kMiB = 1024 * 1024;

template <class T>
std::vector<T> list(const Reader &value, T (*read)(const Reader &), size_t most = kMaxDevices) {
  std::vector<T> all;
  value.each(most, [&](const Reader &element) { all.push_back(read(element)); });
  return all;
}

Boot readBoot(const Reader &value) {
  if (value.get("kind").word({"linux", "efi"}) == 0) {
    value.keys({"kind", "kernel", "initrd", "cmdline"});
    LinuxBoot boot;
    boot.kernel = value.get("kernel").file();
    boot.initrd = value.get("initrd").maybe([](const Reader &initrd) { return initrd.file(); });
    const Reader cmdline = value.get("cmdline");
    boot.cmdline = cmdline.text();
    if (boot.cmdline.size() > kMaxCommandLine) {
      cmdline.invalid("is " + std::to_string(boot.cmdline.size()) + " bytes long; Linux reads " +
                      std::to_string(kMaxCommandLine) + " and drops the rest");
    }
    return boot;
  }
  value.keys({"kind", "variableStore"});
  const Reader store = value.get("variableStore");
  store.keys({"path", "create"});
  return EfiBoot{store.get("path").file(), store.get("create").boolean()};
}

UsbController readController(const Reader &value) {
  value.keys({"devices"});
  return {list(value.get("devices"), readUsbStorage)};
}

}  // namespace

Config readConfig(const Reader &value) {
  value.keys({"cpus", "memory", "boot", "platform", "storage", "network", "shares", "vsock", "serial", "consoles",
              "entropy", "balloon", "graphics", "keyboard", "pointer", "sound", "usb"});
  Config config;
  config.cpus = static_cast<uint32_t>(value.get("cpus").number(1, 1024));
  const Reader memory = value.get("memory");
  config.memory = memory.number(kMiB, uint64_t{1} << 46);
  if (config.memory % kMiB != 0) memory.invalid("is not a multiple of 1 MiB");
  config.boot = readBoot(value.get("boot"));
  const Reader platform = value.get("platform");
  platform.keys({"machineIdentifier", "nestedVirtualization"});
  config.machineIdentifier = platform.get("machineIdentifier").maybeText();
  config.nestedVirtualization = platform.get("nestedVirtualization").boolean();
  config.storage = list(value.get("storage"), readStorage);
  config.network = list(value.get("network"), readNetwork);
  config.shares = list(value.get("shares"), readShareDevice);
  config.vsock = value.get("vsock").boolean();
  config.serial = list(value.get("serial"), readSerial);
  config.consoles = list(value.get("consoles"), readConsole);
  config.entropy = value.get("entropy").boolean();
  config.balloon = value.get("balloon").boolean();
  config.graphics = list(value.get("graphics"), readGraphics, 1);
  config.keyboard = value.get("keyboard").boolean();
  config.pointer = value.get("pointer").boolean();
  config.sound = list(value.get("sound"), readSound);
  config.usb = list(value.get("usb"), readController);
  return config;
}

}  // namespace vzshell
