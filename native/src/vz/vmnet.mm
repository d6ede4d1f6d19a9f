// Networks of macOS 26: subnets of one's own, and ports forwarded without root.

#include "configuration.h"

#if VZS_HEADERS_26
#include <arpa/inet.h>
#include <vmnet/vmnet.h>
#ifdef __APPLE__
#include <CoreFoundation/CoreFoundation.h>
#else
#include <CoreFoundation/CoreFoundation.h>
#endif
#endif

namespace vzshell {

#if VZS_HEADERS_26
namespace {

/** `192.168.77.0/24` as address and mask. */
bool parseSubnet(const std::string &words, in_addr &address, in_addr &mask) {
  const size_t slash = words.find('/');
  if (slash == std::string::npos || inet_pton(AF_INET, words.substr(0, slash).c_str(), &address) != 1) return false;
  const std::string digits = words.substr(slash + 1);
  if (digits.empty() || digits.size() > 2 || digits.find_first_not_of("0123456789") != std::string::npos) return false;
  const int bits = std::stoi(digits);
  if (bits < 8 || bits > 29) return false;
  mask.s_addr = htonl(~uint32_t{0} << (32 - bits));
  return (address.s_addr & ~mask.s_addr) == 0;
}

Failure refused(const std::string &option, const char *what, vmnet_return_t status) {
  return Failure::invalid(option, std::string("vmnet refuses ") + what + " (status " + std::to_string(status) + ")");
}

API_AVAILABLE(macos(26.0))
bool configure(vmnet_network_configuration_ref configuration, const VmnetNetwork &network, const std::string &option,
               Why &why) {
  if (network.subnet) {
    in_addr address{}, mask{};
    if (!parseSubnet(*network.subnet, address, mask)) {
      why(Failure::invalid(option + ".subnet", "expected an IPv4 subnet such as 192.168.77.0/24, from /8 to /29, got '" +
                                                   *network.subnet + "'"));
      return false;
    }
    const auto status = vmnet_network_configuration_set_ipv4_subnet(configuration, &address, &mask);
    if (status != VMNET_SUCCESS) return why(refused(option + ".subnet", network.subnet->c_str(), status)), false;
  }
  if (!network.dhcp) vmnet_network_configuration_disable_dhcp(configuration);
  for (size_t i = 0; i < network.forwards.size(); i++) {
    const Forward &forward = network.forwards[i];
    const std::string path = at(option + ".forwards", i);
    in_addr guest{};
    if (inet_pton(AF_INET, forward.guestAddress.c_str(), &guest) != 1) {
      why(Failure::invalid(path + ".guestAddress", "expected an IPv4 address, got '" + forward.guestAddress + "'"));
      return false;
    }
    const uint8_t protocol = forward.tcp ? IPPROTO_TCP : IPPROTO_UDP;
    const auto status = vmnet_network_configuration_add_port_forwarding_rule(configuration, protocol, AF_INET,
                                                                             forward.guestPort, forward.hostPort, &guest);
    if (status != VMNET_SUCCESS) return why(refused(path, "this forward", status)), false;
  }
  return true;
}

}  // namespace

VZNetworkDeviceAttachment *makeVmnet(const VmnetNetwork &network, const std::string &option, Why &why) {
  if (VZS_AVAILABLE(26.0)) {
    vmnet_return_t status = VMNET_SUCCESS;
    const auto mode = static_cast<vmnet_mode_t>(network.shared ? VMNET_SHARED_MODE : VMNET_HOST_MODE);
    vmnet_network_configuration_ref configuration = vmnet_network_configuration_create(mode, &status);
    if (!configuration) return why(refused(option + ".mode", network.shared ? "'shared'" : "'host'", status));
    vmnet_network_ref made = nullptr;
    if (configure(configuration, network, option, why)) {
      made = vmnet_network_create(configuration, &status);
      if (!made) why(refused(option, "this network", status));
    }
    CFRelease(configuration);
    if (!made) return nil;
    VZNetworkDeviceAttachment *attachment =
        autoreleased([[VZVmnetNetworkDeviceAttachment alloc] initWithNetwork:made]);
    CFRelease(made);
    return attachment;
  }
  return why(Failure::unsupported(option, "a vmnet network", "macOS 26"));
}
#else
VZNetworkDeviceAttachment *makeVmnet(const VmnetNetwork &, const std::string &option, Why &why) {
  return why(Failure::unsupported(option, "a vmnet network", "macOS 26, and an addon built with its headers"));
}
#endif

}  // namespace vzshell
