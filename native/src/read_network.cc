#include <sys/socket.h>

#include "read_config.h"

namespace vzshell {

namespace {

FileNetwork readFile(const Reader &value) {
  value.keys({"kind", "fd", "mtu"});
  const Reader fd = value.get("fd");
  const int number = fd.descriptor();
  int type = 0;
  socklen_t size = sizeof type;
  if (!value.reading().failed() && (getsockopt(number, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_DGRAM)) {
    fd.invalid("is not a datagram socket");
  }
  return {number, static_cast<uint32_t>(value.get("mtu").number(1500, 65535))};
}

Forward readForward(const Reader &value) {
  value.keys({"protocol", "hostPort", "guestPort", "guestAddress"});
  return {value.get("protocol").word({"tcp", "udp"}) == 0, static_cast<uint16_t>(value.get("hostPort").number(1, 65535)),
          static_cast<uint16_t>(value.get("guestPort").number(1, 65535)), value.get("guestAddress").text()};
}

VmnetNetwork readVmnet(const Reader &value) {
  value.keys({"kind", "mode", "subnet", "dhcp", "forwards"});
  VmnetNetwork vmnet{value.get("mode").word({"shared", "host"}) == 0, value.get("subnet").maybeText(),
                     value.get("dhcp").boolean(), {}};
  value.get("forwards").each(256, [&](const Reader &forward) { vmnet.forwards.push_back(readForward(forward)); });
  return vmnet;
}

}  // namespace

NetworkAttachment readNetworkAttachment(const Reader &value) {
  switch (value.get("kind").word({"nat", "file", "bridged", "vmnet"})) {
    case 0:
      value.keys({"kind"});
      return NatNetwork{};
    case 1:
      return readFile(value);
    case 2:
      value.keys({"kind", "interface"});
      return BridgedNetwork{value.get("interface").text()};
    default:
      return readVmnet(value);
  }
}

Network readNetwork(const Reader &value) {
  value.keys({"mac", "attachment"});
  return {value.get("mac").maybeText(), readNetworkAttachment(value.get("attachment"))};
}

}  // namespace vzshell
