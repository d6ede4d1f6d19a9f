// Serial attachments and the configuration of consoles with ports.

#include "lookalike.h"
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

@implementation VZFileSerialPortAttachment
VZ_VALUES_VZFileSerialPortAttachment
- (instancetype)initWithURL:(NSURL *)URL append:(BOOL)append error:(NSError **)error {
  int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC);
  int file = open([[URL path] fileSystemRepresentation], flags, 0644);
  if (file < 0) {
    if (error != nullptr) *error = vzlPosixError(errno);
    [self release];
    return nil;
  }
  close(file);
  if ((self = [super init])) {
    _URL = [URL copy];
    _append = append;
  }
  return self;
}
@end

@implementation VZSpiceAgentPortAttachment
VZ_VALUES_VZSpiceAgentPortAttachment
+ (NSString *)spiceAgentPortName {
  return @"com.redhat.spice.0";
}
- (instancetype)init {
  if ((self = [super init])) _sharesClipboard = YES;
  return self;
}
@end

@implementation VZVirtioConsolePortConfigurationArray
@synthesize maximumPortCount = _maximumPortCount;
- (VZVirtioConsolePortConfiguration *)objectAtIndexedSubscript:(NSUInteger)index {
  return [_byIndex objectForKey:[NSNumber numberWithUnsignedInteger:index]];
}
- (void)setObject:(VZVirtioConsolePortConfiguration *)port atIndexedSubscript:(NSUInteger)index {
  if (_byIndex == nil) _byIndex = [[NSMutableDictionary alloc] init];
  NSNumber *key = [NSNumber numberWithUnsignedInteger:index];
  if (port == nil) {
    [_byIndex removeObjectForKey:key];
    return;
  }
  [_byIndex setObject:port forKey:key];
}
- (id)copyWithZone:(NSZone *)zone {
  VZVirtioConsolePortConfigurationArray *copy = NSAllocateObject([self class], 0, zone);
  copy->_maximumPortCount = _maximumPortCount;
  copy->_byIndex = [_byIndex mutableCopy];
  return copy;
}
- (void)dealloc {
  [_byIndex release];
  [super dealloc];
}
@end

@implementation VZVirtioConsoleDeviceConfiguration
VZ_VALUES_VZVirtioConsoleDeviceConfiguration
- (instancetype)init {
  if ((self = [super init])) {
    VZVirtioConsolePortConfigurationArray *ports = NSAllocateObject([VZVirtioConsolePortConfigurationArray class], 0, nullptr);
    ports->_maximumPortCount = 1;
    _ports = ports;
  }
  return self;
}
@end
