#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "configuration.h"

namespace vzshell {

namespace {

// Apple wants a receive buffer of at least twice, better four times the send buffer.
constexpr int kSendBuffer = 1024 * 1024;
constexpr int kReceiveBuffer = 4 * kSendBuffer;

VZNetworkDeviceAttachment *attachFile(const FileNetwork &file, const std::string &option, Why &why) {
  NSFileHandle *handle = makeHandle(file.fd, option + ".fd", why);
  if (!handle) return nil;
  // A smaller buffer than asked for still works.
  setsockopt([handle fileDescriptor], SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
  setsockopt([handle fileDescriptor], SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  VZFileHandleNetworkDeviceAttachment *attachment =
      autoreleased([[VZFileHandleNetworkDeviceAttachment alloc] initWithFileHandle:handle]);
  attachment.maximumTransmissionUnit = file.mtu;
  return attachment;
}

VZNetworkDeviceAttachment *attachBridged(const BridgedNetwork &bridged, const std::string &option, Why &why) {
  if (!isEntitled("com.apple.vm.networking") && geteuid() != 0) {
    return why(Failure::unsupported(option, "a bridged network",
                                    "the entitlement com.apple.vm.networking, which Apple grants, or root"));
  }
  std::string names;
  for (VZBridgedNetworkInterface *interface in [VZBridgedNetworkInterface networkInterfaces]) {
    if (text(interface.identifier) == bridged.interface) {
      return autoreleased([[VZBridgedNetworkDeviceAttachment alloc] initWithInterface:interface]);
    }
    names += (names.empty() ? "" : ", ") + text(interface.identifier);
  }
  return why(Failure::invalid(option + ".interface", "there is no interface '" + bridged.interface + "'; this Mac has " +
                                                         (names.empty() ? "none that can be bridged" : names)));
}

}  // namespace

NSFileHandle *makeHandle(int descriptor, const std::string &option, Why &why) {
  Descriptor copy = duplicate(descriptor);
  if (copy) return autoreleased([[NSFileHandle alloc] initWithFileDescriptor:copy.release() closeOnDealloc:YES]);
  Failure failure = Failure::posix(errno, option + ": cannot duplicate descriptor " + std::to_string(descriptor));
  failure.option = option;
  return why(failure);
}

VZNetworkDeviceAttachment *makeNetworkAttachment(const NetworkAttachment &attachment, const std::string &option, Why &why) {
  if (std::holds_alternative<NatNetwork>(attachment)) return make<VZNATNetworkDeviceAttachment>();
  if (const auto *file = std::get_if<FileNetwork>(&attachment)) return attachFile(*file, option, why);
  if (const auto *bridged = std::get_if<BridgedNetwork>(&attachment)) return attachBridged(*bridged, option, why);
  return makeVmnet(std::get<VmnetNetwork>(attachment), option, why);
}

VZNetworkDeviceConfiguration *makeNetwork(const Network &network, const std::string &option, Why &why) {
  VZVirtioNetworkDeviceConfiguration *device = make<VZVirtioNetworkDeviceConfiguration>();
  if (network.mac) {
    VZMACAddress *address = autoreleased([[VZMACAddress alloc] initWithString:text(*network.mac)]);
    if (!address || !address.isUnicastAddress) {
      return why(Failure::invalid(option + ".mac", "is not the address of one device: '" + *network.mac + "'"));
    }
    device.MACAddress = address;
  }
  VZNetworkDeviceAttachment *attachment = makeNetworkAttachment(network.attachment, option + ".attachment", why);
  if (!attachment) return nil;
  device.attachment = attachment;
  return device;
}

}  // namespace vzshell
