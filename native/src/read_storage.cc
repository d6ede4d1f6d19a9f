#include <algorithm>

#include "read_config.h"

namespace vzshell {

namespace {

constexpr size_t kMaxIdentifier = 20;  // VIRTIO_BLK_ID_BYTES

bool readFullSync(const Reader &value) { return value.get("sync").word({"full", "none"}) == 0; }

std::string readIdentifier(const Reader &value) {
  std::string text = value.text();
  const bool printable = std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  if (text.empty() || text.size() > kMaxIdentifier || !printable) {
    value.invalid("expected 1 to 20 printable ASCII characters without spaces, got '" + text + "'");
  }
  return text;
}

NetworkBlockDevice readNbd(const Reader &value) {
  value.keys({"kind", "url", "timeout", "readOnly", "sync"});
  NetworkBlockDevice nbd;
  const Reader url = value.get("url");
  nbd.url = url.text();
  const auto schemes = {"nbd://", "nbds://", "nbd+unix://", "nbds+unix://"};
  const bool known = std::any_of(schemes.begin(), schemes.end(), [&](const char *scheme) { return nbd.url.rfind(scheme, 0) == 0; });
  if (!known) url.invalid("expected a URL that begins with nbd://, nbds://, nbd+unix:// or nbds+unix://, got '" + nbd.url + "'");
  nbd.timeout = static_cast<uint32_t>(value.get("timeout").number(1, 24 * 3600 * 1000));
  nbd.readOnly = value.get("readOnly").boolean();
  nbd.fullSync = readFullSync(value);
  return nbd;
}

}  // namespace

StorageAttachment readStorageAttachment(const Reader &value) {
  switch (value.get("kind").word({"image", "block", "nbd"})) {
    case 0:
      value.keys({"kind", "path", "readOnly"});
      return DiskImage{value.get("path").file(), value.get("readOnly").boolean()};
    case 1:
      value.keys({"kind", "path", "readOnly", "sync"});
      return BlockDevice{value.get("path").file(), value.get("readOnly").boolean(), readFullSync(value)};
    default:
      return readNbd(value);
  }
}

Storage readStorage(const Reader &value) {
  const auto device = static_cast<Storage::Device>(value.get("device").word({"virtio", "nvme", "usb"}));
  Storage storage{device, std::nullopt, readStorageAttachment(value.get("attachment"))};
  if (device != Storage::Device::virtio) {
    value.keys({"device", "attachment"});
    return storage;
  }
  value.keys({"device", "id", "attachment"});
  storage.id = value.get("id").maybe(readIdentifier);
  return storage;
}

UsbStorage readUsbStorage(const Reader &value) {
  value.keys({"uuid", "attachment"});
  return {value.get("uuid").maybeText(), readStorageAttachment(value.get("attachment"))};
}

}  // namespace vzshell
