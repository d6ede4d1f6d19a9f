// Network: addresses, attachments, and the host's interfaces.

#include "lookalike.h"
#include <net/if.h>

@implementation VZMACAddress
- (void)dealloc {
  VZ_RELEASE_VZMACAddress
  [super dealloc];
}
- (instancetype)initWithEthernetAddress:(ether_addr_t)ethernetAddress {
  if ((self = [super init])) {
    _ethernetAddress = ethernetAddress;
    const uint8_t *o = ethernetAddress.ether_addr_octet;
    _string = [[NSString alloc] initWithFormat:@"%02x:%02x:%02x:%02x:%02x:%02x", o[0], o[1], o[2], o[3], o[4], o[5]];
  }
  return self;
}
- (instancetype)initWithString:(NSString *)string {
  unsigned o[6];
  int end = 0;
  const char *text = [string UTF8String];
  int read = sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &o[0], &o[1], &o[2], &o[3], &o[4], &o[5], &end);
  if (read != 6 || end != 17 || text[end] != 0) {
    [self release];
    return nil;
  }
  ether_addr_t address;
  for (int i = 0; i < 6; i++) address.ether_addr_octet[i] = (uint8_t)o[i];
  return [self initWithEthernetAddress:address];
}
+ (instancetype)randomLocallyAdministeredAddress {
  ether_addr_t address;
  arc4random_buf(&address, sizeof address);
  address.ether_addr_octet[0] = (address.ether_addr_octet[0] & 0xfc) | 0x02;
  return [[[self alloc] initWithEthernetAddress:address] autorelease];
}
- (ether_addr_t)ethernetAddress {
  return _ethernetAddress;
}
- (NSString *)string {
  return _string;
}
- (BOOL)isBroadcastAddress {
  return [_string isEqualToString:@"ff:ff:ff:ff:ff:ff"];
}
- (BOOL)isMulticastAddress {
  return (_ethernetAddress.ether_addr_octet[0] & 1) != 0;
}
- (BOOL)isUnicastAddress {
  return ![self isMulticastAddress];
}
- (BOOL)isLocallyAdministeredAddress {
  return (_ethernetAddress.ether_addr_octet[0] & 2) != 0;
}
- (BOOL)isUniversallyAdministeredAddress {
  return ![self isLocallyAdministeredAddress];
}
- (id)copyWithZone:(NSZone *)zone {
  return [self retain];
}
- (BOOL)isEqual:(id)other {
  return [other isKindOfClass:[VZMACAddress class]] && [[other string] isEqual:_string];
}
- (NSUInteger)hash {
  return [_string hash];
}
@end

@implementation VZVirtioNetworkDeviceConfiguration
VZ_VALUES_VZVirtioNetworkDeviceConfiguration
- (instancetype)init {
  if ((self = [super init])) _MACAddress = [[VZMACAddress randomLocallyAdministeredAddress] retain];
  return self;
}
@end

@implementation VZFileHandleNetworkDeviceAttachment
VZ_VALUES_VZFileHandleNetworkDeviceAttachment
- (instancetype)initWithFileHandle:(NSFileHandle *)fileHandle {
  if ((self = [super init])) {
    _fileHandle = [fileHandle retain];
    _maximumTransmissionUnit = 1500;
  }
  return self;
}
@end

@implementation VZBridgedNetworkInterface
VZ_VALUES_VZBridgedNetworkInterface
// The same two on every host, so that tests can name them.
+ (NSArray *)networkInterfaces {
  NSMutableArray *interfaces = [NSMutableArray array];
  NSString *names[][2] = {{@"en0", @"Wi-Fi"}, {@"en7", nil}};
  for (auto &name : names) {
    VZBridgedNetworkInterface *interface = NSAllocateObject(self, 0, nullptr);
    interface->_identifier = [name[0] copy];
    interface->_localizedDisplayName = [name[1] copy];
    [interfaces addObject:interface];
    [interface release];
  }
  return interfaces;
}
@end
