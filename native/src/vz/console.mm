#include "configuration.h"

namespace vzshell {

namespace {

/** Nil without `why` for one that is attached to nothing. */
VZSerialPortAttachment *attach(const PortAttachment &attachment, const std::string &option, Why &why) {
  if (const auto *file = std::get_if<FileSerial>(&attachment)) {
    NSError *error = nil;
    VZSerialPortAttachment *made = autoreleased([[VZFileSerialPortAttachment alloc] initWithURL:fileURL(file->path)
                                                                                         append:file->append
                                                                                          error:&error]);
    return made ? made : why(failureFrom(error, option + ".path"));
  }
  if (const auto *handles = std::get_if<HandleSerial>(&attachment)) {
    NSFileHandle *input = handles->input ? makeHandle(*handles->input, option + ".input", why) : nil;
    NSFileHandle *output = handles->output ? makeHandle(*handles->output, option + ".output", why) : nil;
    if (why.failure()) return nil;
    return autoreleased([[VZFileHandleSerialPortAttachment alloc] initWithFileHandleForReading:input
                                                                          fileHandleForWriting:output]);
  }
  if (const auto *spice = std::get_if<SpiceAgent>(&attachment)) {
    VZSpiceAgentPortAttachment *made = make<VZSpiceAgentPortAttachment>();
    made.sharesClipboard = spice->sharesClipboard;
    return made;
  }
  return nil;
}

VZVirtioConsolePortConfiguration *makePort(const ConsolePort &port, const std::string &option, Why &why) {
  VZVirtioConsolePortConfiguration *made = make<VZVirtioConsolePortConfiguration>();
  made.attachment = attach(port.attachment, option + ".attachment", why);
  if (why.failure()) return nil;
  made.isConsole = port.isConsole;
  if (port.name) {
    made.name = text(*port.name);
  } else if (std::holds_alternative<SpiceAgent>(port.attachment)) {
    // The guest's agent looks for it by this name.
    made.name = [VZSpiceAgentPortAttachment spiceAgentPortName];
  }
  return made;
}

}  // namespace

VZSerialPortConfiguration *makeSerial(const SerialAttachment &serial, const std::string &option, Why &why) {
  const auto widen = [](const auto &each) { return PortAttachment(each); };
  VZSerialPortAttachment *attachment = attach(std::visit(widen, serial), option, why);
  if (why.failure()) return nil;
  VZVirtioConsoleDeviceSerialPortConfiguration *made = make<VZVirtioConsoleDeviceSerialPortConfiguration>();
  made.attachment = attachment;
  return made;
}

VZConsoleDeviceConfiguration *makeConsole(const Console &console, const std::string &option, Why &why) {
  VZVirtioConsoleDeviceConfiguration *made = make<VZVirtioConsoleDeviceConfiguration>();
  const auto count = static_cast<uint32_t>(console.ports.size());
  if (console.maxPorts || count > 0) made.ports.maximumPortCount = console.maxPorts.value_or(count);
  for (uint32_t i = 0; i < count; i++) {
    VZVirtioConsolePortConfiguration *port = makePort(console.ports[i], at(option + ".ports", i), why);
    if (!port) return nil;
    [made.ports setObject:port atIndexedSubscript:i];
  }
  return made;
}

}  // namespace vzshell
