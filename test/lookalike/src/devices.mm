// Run-time devices of a machine: each belongs to the machine's queue.

#include "link.h"

static const uint64_t mebibyte = 1 << 20;

@implementation VZNetworkDevice
- (VZNetworkDeviceAttachment *)attachment {
  VZL_ON_QUEUE(_link->queue);
  return _attachment;
}
- (void)setAttachment:(VZNetworkDeviceAttachment *)attachment {
  VZL_ON_QUEUE(_link->queue);
  [_attachment autorelease];
  _attachment = [attachment retain];
}
- (void)dealloc {
  [_attachment release];
  [super dealloc];
}
@end

@implementation VZVirtioFileSystemDevice
- (NSString *)tag {
  VZL_ON_QUEUE(_link->queue);
  return _tag;
}
- (VZDirectoryShare *)share {
  VZL_ON_QUEUE(_link->queue);
  return _share;
}
- (void)setShare:(VZDirectoryShare *)share {
  VZL_ON_QUEUE(_link->queue);
  if ([share isKindOfClass:[VZLinuxRosettaDirectoryShare class]]) {
    [NSException raise:NSInvalidArgumentException format:@"A Rosetta share cannot be set while the machine exists."];
  }
  [_share autorelease];
  _share = [share retain];
  [_link->machine vzlSend:@{
    @"command" : @"share",
    @"index" : [NSNumber numberWithUnsignedInteger:_index],
    @"share" : vzlDescribe(share)
  }];
}
- (void)dealloc {
  [_tag release];
  [_share release];
  [super dealloc];
}
@end

@implementation VZVirtioTraditionalMemoryBalloonDevice
- (uint64_t)targetVirtualMachineMemorySize {
  VZL_ON_QUEUE(_link->queue);
  return _targetVirtualMachineMemorySize;
}
// Recorded, rounded and clamped as Apple's; the driver behind the helper has no balloon.
- (void)setTargetVirtualMachineMemorySize:(uint64_t)size {
  VZL_ON_QUEUE(_link->queue);
  uint64_t least = [VZVirtualMachineConfiguration minimumAllowedMemorySize];
  _targetVirtualMachineMemorySize = MIN(MAX(size / mebibyte * mebibyte, least), _most);
}
@end

@implementation VZVirtioConsolePort
- (NSString *)name {
  VZL_ON_QUEUE(_link->queue);
  return _name;
}
- (VZSerialPortAttachment *)attachment {
  VZL_ON_QUEUE(_link->queue);
  return _attachment;
}
- (void)setAttachment:(VZSerialPortAttachment *)attachment {
  VZL_ON_QUEUE(_link->queue);
  [_attachment autorelease];
  _attachment = [attachment retain];
}
- (void)dealloc {
  [_name release];
  [_attachment release];
  [super dealloc];
}
@end

@implementation VZVirtioConsolePortArray
- (uint32_t)maximumPortCount {
  VZL_ON_QUEUE(_link->queue);
  return _maximumPortCount;
}
- (VZVirtioConsolePort *)objectAtIndexedSubscript:(NSUInteger)index {
  VZL_ON_QUEUE(_link->queue);
  return [_byIndex objectForKey:[NSNumber numberWithUnsignedInteger:index]];
}
- (void)dealloc {
  [_byIndex release];
  [super dealloc];
}
@end

@implementation VZVirtioConsoleDevice
- (id)delegate {
  VZL_ON_QUEUE(_link->queue);
  return _delegate;
}
- (void)setDelegate:(id)delegate {
  VZL_ON_QUEUE(_link->queue);
  _delegate = delegate;
}
- (VZVirtioConsolePortArray *)ports {
  VZL_ON_QUEUE(_link->queue);
  return _ports;
}
- (void)dealloc {
  [_ports release];
  [super dealloc];
}
@end

@implementation VZGraphicsDisplay
- (BOOL)reconfigureWithConfiguration:(VZGraphicsDisplayConfiguration *)configuration error:(NSError **)error {
  VZL_ON_QUEUE(_link->queue);
  return YES;
}
- (void)addObserver:(id<VZGraphicsDisplayObserver>)observer {
  VZL_ON_QUEUE(_link->queue);
}
- (void)removeObserver:(id<VZGraphicsDisplayObserver>)observer {
  VZL_ON_QUEUE(_link->queue);
}
@end

@implementation VZGraphicsDevice
- (NSArray *)displays {
  VZL_ON_QUEUE(_link->queue);
  return _displays;
}
- (void)dealloc {
  [_displays release];
  [super dealloc];
}
@end
