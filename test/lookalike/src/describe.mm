// A configuration as JSON, by the facts' list of properties: tests read back which value reached which object, and the helper
// takes the machine from it.

#include "lookalike.h"
#include "facts.h"
#include <fcntl.h>
#include <objc/runtime.h>
#include "facts.inc"

static id describeValue(id value, bool isBool);

static NSDictionary *describeHandle(NSFileHandle *handle) {
  int descriptor = [handle fileDescriptor];
  NSNumber *flags = [NSNumber numberWithInt:fcntl(descriptor, F_GETFL)];
  return @{@"descriptor" : [NSNumber numberWithInt:descriptor], @"flags" : flags};
}

static NSArray *describeAll(id <NSFastEnumeration> list) {
  NSMutableArray *result = [NSMutableArray array];
  for (id item in list) [result addObject:describeValue(item, false)];
  return result;
}

/** Ports are reached by index alone; a hole is null. */
static NSArray *describePorts(VZVirtioConsolePortConfigurationArray *ports) {
  NSMutableArray *result = [NSMutableArray array];
  for (NSNumber *index in [[ports->_byIndex allKeys] sortedArrayUsingSelector:@selector(compare:)]) {
    while ([result count] < [index unsignedIntegerValue]) [result addObject:[NSNull null]];
    [result addObject:vzlDescribe([ports->_byIndex objectForKey:index])];
  }
  return result;
}

static id describeValue(id value, bool isBool) {
  if (value == nil) return [NSNull null];
  if ([value isKindOfClass:[NSNumber class]]) return isBool ? [NSNumber numberWithBool:[value boolValue]] : value;
  if ([value isKindOfClass:[NSString class]]) return value;
  if ([value isKindOfClass:[NSURL class]]) return [value isFileURL] ? [value path] : [value absoluteString];
  if ([value isKindOfClass:[NSData class]]) return [value base64EncodedStringWithOptions:0];
  if ([value isKindOfClass:[NSUUID class]]) return [value UUIDString];
  if ([value isKindOfClass:[NSFileHandle class]]) return describeHandle(value);
  if ([value isKindOfClass:[NSArray class]]) return describeAll(value);
  if ([value isKindOfClass:[NSDictionary class]]) {
    NSMutableDictionary *result = [NSMutableDictionary dictionary];
    for (id key in value) [result setObject:describeValue([value objectForKey:key], false) forKey:key];
    return result;
  }
  return vzlDescribe(value);
}

id vzlDescribe(id object) {
  if (object == nil) return [NSNull null];
  NSMutableDictionary *result = [NSMutableDictionary dictionary];
  [result setObject:NSStringFromClass([object class]) forKey:@"class"];
  for (Class at = [object class]; at != Nil; at = class_getSuperclass(at)) {
    for (const VZLProperty &property : vzlProperties) {
      if (strcmp(property.className, class_getName(at)) != 0) continue;
      if (!vzl_macos_at_least(property.major, property.minor)) continue;
      NSString *name = [NSString stringWithUTF8String:property.name];
      // A delegate is the program's own.
      if ([name isEqualToString:@"delegate"] || [name isEqualToString:@"ethernetAddress"]) continue;
      if ([name isEqualToString:@"network"]) continue;
      [result setObject:describeValue([object valueForKey:name], property.isBool) forKey:name];
    }
  }
  if ([object isKindOfClass:[VZVirtioConsolePortConfigurationArray class]]) {
    [result setObject:describePorts(object) forKey:@"ports"];
  }
  if ([object isKindOfClass:[VZVmnetNetworkDeviceAttachment class]]) {
    extern NSDictionary *vzlDescribeNetwork(vmnet_network_ref network);
    [result setObject:vzlDescribeNetwork([object network]) forKey:@"network"];
  }
  return result;
}
