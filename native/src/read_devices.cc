#include "read_config.h"

namespace vzshell {

namespace {

constexpr size_t kMaxTag = 35;

Directory readDirectory(const Reader &value) {
  value.keys({"path", "readOnly"});
  return {value.get("path").file(), value.get("readOnly").boolean()};
}

RosettaCaching readCaching(const Reader &value) {
  value.keys({"kind", "name"});
  const bool abstract = value.get("kind").word({"unix", "abstract"}) == 1;
  return {abstract, value.get("name").maybeText()};
}

FileSerial readFile(const Reader &value) {
  value.keys({"kind", "path", "append"});
  return {value.get("path").file(), value.get("append").boolean()};
}

HandleSerial readHandles(const Reader &value) {
  value.keys({"kind", "input", "output"});
  const auto descriptor = [](const Reader &each) { return each.descriptor(); };
  return {value.get("input").maybe(descriptor), value.get("output").maybe(descriptor)};
}

ConsolePort readPort(const Reader &value) {
  value.keys({"name", "isConsole", "attachment"});
  ConsolePort port{value.get("name").maybeText(), value.get("isConsole").boolean(), NoSerial{}};
  const Reader attachment = value.get("attachment");
  switch (attachment.get("kind").word({"none", "file", "handles", "spice"})) {
    case 0:
      attachment.keys({"kind"});
      break;
    case 1:
      port.attachment = readFile(attachment);
      break;
    case 2:
      port.attachment = readHandles(attachment);
      break;
    default:
      attachment.keys({"kind", "sharesClipboard"});
      port.attachment = SpiceAgent{attachment.get("sharesClipboard").boolean()};
  }
  return port;
}

}  // namespace

Share readShare(const Reader &value) {
  switch (value.get("kind").word({"single", "multiple", "rosetta"})) {
    case 0:
      value.keys({"kind", "directory"});
      return SingleShare{readDirectory(value.get("directory"))};
    case 1: {
      value.keys({"kind", "directories"});
      MultipleShare share;
      value.get("directories").entries(1024, [&](const std::string &name, const Reader &directory) {
        share.directories.emplace_back(name, readDirectory(directory));
      });
      return share;
    }
    default:
      value.keys({"kind", "caching"});
      return RosettaShare{value.get("caching").maybe(readCaching)};
  }
}

ShareDevice readShareDevice(const Reader &value) {
  value.keys({"tag", "share"});
  const Reader tag = value.get("tag");
  ShareDevice device{tag.text(), {}};
  if (device.tag.empty() || device.tag.size() > kMaxTag) {
    tag.invalid("expected a tag of 1 to " + std::to_string(kMaxTag) + " bytes, got '" + device.tag + "'");
  }
  device.share = readShare(value.get("share"));
  return device;
}

SerialAttachment readSerial(const Reader &value) {
  switch (value.get("kind").word({"none", "file", "handles"})) {
    case 0:
      value.keys({"kind"});
      return NoSerial{};
    case 1:
      return readFile(value);
    default:
      return readHandles(value);
  }
}

Console readConsole(const Reader &value) {
  value.keys({"maxPorts", "ports"});
  Console console;
  const Reader most = value.get("maxPorts");
  console.maxPorts = most.maybe([](const Reader &count) { return static_cast<uint32_t>(count.number(1, 512)); });
  value.get("ports").each(512, [&](const Reader &port) { console.ports.push_back(readPort(port)); });
  if (console.maxPorts && *console.maxPorts < console.ports.size()) {
    most.invalid("is " + std::to_string(*console.maxPorts) + ", but there are " + std::to_string(console.ports.size()) + " ports");
  }
  return console;
}

Graphics readGraphics(const Reader &value) {
  value.keys({"scanouts"});
  Graphics graphics;
  value.get("scanouts").each(1, [&](const Reader &scanout) {
    scanout.keys({"width", "height"});
    graphics.scanouts.push_back({static_cast<uint32_t>(scanout.get("width").number(1, 16384)),
                                 static_cast<uint32_t>(scanout.get("height").number(1, 16384))});
  });
  return graphics;
}

Sound readSound(const Reader &value) {
  value.keys({"streams"});
  Sound sound;
  value.get("streams").each(16, [&](const Reader &stream) {
    stream.keys({"direction", "host"});
    sound.streams.push_back({stream.get("direction").word({"input", "output"}) == 0, stream.get("host").boolean()});
  });
  return sound;
}

}  // namespace vzshell
