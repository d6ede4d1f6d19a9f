// The configuration of a machine as the backend gets it: read once from JavaScript (read_*.cc), plain from then on. The same
// order and names as src/driver/vz/config.ts and src/driver/devices.ts, which document each field.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace vzshell {

template <class T>
using Maybe = std::optional<T>;

struct LinuxBoot {
  std::string kernel;
  Maybe<std::string> initrd;
  std::string cmdline;
};
struct EfiBoot {
  std::string variableStore;
  bool create = false;
};
using Boot = std::variant<LinuxBoot, EfiBoot>;

struct DiskImage {
  std::string path;
  bool readOnly = false;
};
struct BlockDevice {
  std::string path;
  bool readOnly = false;
  bool fullSync = false;
};
struct NetworkBlockDevice {
  std::string url;
  uint32_t timeout = 0;  // milliseconds
  bool readOnly = false;
  bool fullSync = false;
};
using StorageAttachment = std::variant<DiskImage, BlockDevice, NetworkBlockDevice>;

struct Storage {
  enum class Device { virtio, nvme, usb } device;
  Maybe<std::string> id;
  StorageAttachment attachment;
};
struct UsbStorage {
  Maybe<std::string> uuid;
  StorageAttachment attachment;
};

struct NatNetwork {};
struct FileNetwork {
  int fd = -1;
  uint32_t mtu = 0;
};
struct BridgedNetwork {
  std::string interface;
};
struct Forward {
  bool tcp = true;
  uint16_t hostPort = 0;
  uint16_t guestPort = 0;
  std::string guestAddress;
};
struct VmnetNetwork {
  bool shared = true;
  Maybe<std::string> subnet;
  bool dhcp = true;
  std::vector<Forward> forwards;
};
using NetworkAttachment = std::variant<NatNetwork, FileNetwork, BridgedNetwork, VmnetNetwork>;
struct Network {
  Maybe<std::string> mac;
  NetworkAttachment attachment;
};

struct Directory {
  std::string path;
  bool readOnly = false;
};
struct SingleShare {
  Directory directory;
};
struct MultipleShare {
  std::vector<std::pair<std::string, Directory>> directories;
};
struct RosettaCaching {
  bool abstract = false;
  Maybe<std::string> name;
};
struct RosettaShare {
  Maybe<RosettaCaching> caching;
};
using Share = std::variant<SingleShare, MultipleShare, RosettaShare>;
struct ShareDevice {
  std::string tag;
  Share share;
};

struct NoSerial {};
struct FileSerial {
  std::string path;
  bool append = false;
};
struct HandleSerial {
  Maybe<int> input;
  Maybe<int> output;
};
using SerialAttachment = std::variant<NoSerial, FileSerial, HandleSerial>;
struct SpiceAgent {
  bool sharesClipboard = false;
};
using PortAttachment = std::variant<NoSerial, FileSerial, HandleSerial, SpiceAgent>;
struct ConsolePort {
  Maybe<std::string> name;
  bool isConsole = false;
  PortAttachment attachment;
};
struct Console {
  Maybe<uint32_t> maxPorts;
  std::vector<ConsolePort> ports;
};

struct Scanout {
  uint32_t width = 0;
  uint32_t height = 0;
};
struct Graphics {
  std::vector<Scanout> scanouts;
};
struct SoundStream {
  bool input = false;
  bool host = false;
};
struct Sound {
  std::vector<SoundStream> streams;
};
struct UsbController {
  std::vector<UsbStorage> devices;
};

struct Config {
  uint32_t cpus = 0;
  uint64_t memory = 0;  // bytes
  Boot boot;
  Maybe<std::string> machineIdentifier;  // base64
  bool nestedVirtualization = false;
  std::vector<Storage> storage;
  std::vector<Network> network;
  std::vector<ShareDevice> shares;
  bool vsock = false;
  std::vector<SerialAttachment> serial;
  std::vector<Console> consoles;
  bool entropy = false;
  bool balloon = false;
  std::vector<Graphics> graphics;
  bool keyboard = false;
  bool pointer = false;
  std::vector<Sound> sound;
  std::vector<UsbController> usb;
};

/** The path of an element, for messages: `at("storage", 0)` is `storage[0]`. */
inline std::string at(const std::string &list, size_t index) { return list + "[" + std::to_string(index) + "]"; }

}  // namespace vzshell
