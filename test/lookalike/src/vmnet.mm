// The vmnet functions of macOS 26: a network is described and never made. Its objects are Objective-C's, so that CFRelease and the
// leak counters know them.

#include "lookalike.h"
#include <arpa/inet.h>

@interface VZLVmnetNetwork : NSObject {
@public
  NSMutableDictionary *description;
}
@end
@implementation VZLVmnetNetwork
- (void)dealloc {
  [description release];
  [super dealloc];
}
@end

static NSMutableDictionary *of(vmnet_network_configuration_ref configuration) {
  return ((VZLVmnetNetwork *)configuration)->description;
}

static NSString *addressText(int family, const void *address) {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(family, address, text, sizeof text);
  return [NSString stringWithUTF8String:text];
}

static void append(vmnet_network_configuration_ref configuration, NSString *key, NSDictionary *row) {
  NSArray *before = [of(configuration) objectForKey:key];
  [of(configuration) setObject:before == nil ? @[ row ] : [before arrayByAddingObject:row] forKey:key];
}

NSDictionary *vzlDescribeNetwork(vmnet_network_ref network) { return ((VZLVmnetNetwork *)network)->description; }

extern "C" {
vmnet_network_configuration_ref vmnet_network_configuration_create(vmnet_mode_t mode, vmnet_return_t *status) {
  bool known = mode == VMNET_HOST_MODE || mode == VMNET_SHARED_MODE;
  // 1002 is VMNET_INVALID_ARGUMENT.
  *status = known ? (vmnet_return_t)VMNET_SUCCESS : 1002;
  if (!known) return nullptr;
  VZLVmnetNetwork *network = [[VZLVmnetNetwork alloc] init];
  network->description = [[NSMutableDictionary alloc] init];
  [network->description setObject:mode == VMNET_HOST_MODE ? @"host" : @"shared" forKey:@"mode"];
  return (vmnet_network_configuration_ref)network;
}

vmnet_return_t vmnet_network_configuration_set_ipv4_subnet(vmnet_network_configuration_ref configuration,
                                                           struct in_addr const *subnet, struct in_addr const *mask) {
  [of(configuration) setObject:addressText(AF_INET, subnet) forKey:@"subnet"];
  [of(configuration) setObject:addressText(AF_INET, mask) forKey:@"mask"];
  return VMNET_SUCCESS;
}

vmnet_return_t vmnet_network_configuration_set_mtu(vmnet_network_configuration_ref configuration, uint32_t mtu) {
  [of(configuration) setObject:[NSNumber numberWithUnsignedInt:mtu] forKey:@"mtu"];
  return VMNET_SUCCESS;
}

vmnet_return_t vmnet_network_configuration_add_dhcp_reservation(vmnet_network_configuration_ref configuration,
                                                                ether_addr_t const *client, struct in_addr const *address) {
  VZMACAddress *mac = [[[VZMACAddress alloc] initWithEthernetAddress:*client] autorelease];
  append(configuration, @"reservations", @{@"mac" : [mac string], @"address" : addressText(AF_INET, address)});
  return VMNET_SUCCESS;
}

vmnet_return_t vmnet_network_configuration_add_port_forwarding_rule(vmnet_network_configuration_ref configuration,
                                                                    uint8_t protocol, sa_family_t family,
                                                                    uint16_t internal_port, uint16_t external_port,
                                                                    void const *internal_address) {
  append(configuration, @"forwards", @{
    @"protocol" : protocol == IPPROTO_TCP ? @"tcp" : @"udp",
    @"guestPort" : [NSNumber numberWithUnsignedShort:internal_port],
    @"hostPort" : [NSNumber numberWithUnsignedShort:external_port],
    @"guestAddress" : addressText(family, internal_address)
  });
  return VMNET_SUCCESS;
}

void vmnet_network_configuration_disable_dhcp(vmnet_network_configuration_ref configuration) {
  [of(configuration) setObject:[NSNumber numberWithBool:NO] forKey:@"dhcp"];
}

vmnet_network_ref vmnet_network_create(vmnet_network_configuration_ref configuration, vmnet_return_t *status) {
  // 1001 is VMNET_FAILURE.
  *status = vzlFault("vmnet-fails") ? 1001 : (vmnet_return_t)VMNET_SUCCESS;
  if (*status != (vmnet_return_t)VMNET_SUCCESS) return nullptr;
  VZLVmnetNetwork *network = [[VZLVmnetNetwork alloc] init];
  network->description = [of(configuration) mutableCopy];
  return (vmnet_network_ref)network;
}
}

@implementation VZVmnetNetworkDeviceAttachment
- (instancetype)initWithNetwork:(vmnet_network_ref)network {
  if ((self = [super init])) _network = (vmnet_network_ref)[(VZLVmnetNetwork *)network retain];
  return self;
}
- (vmnet_network_ref)network {
  return _network;
}
- (void)dealloc {
  [(VZLVmnetNetwork *)_network release];
  [super dealloc];
}
@end
