// VirtioFS: tags, directories, and Rosetta.

#include "lookalike.h"
#include <sys/stat.h>

/** Bytes of a tag's UTF-8; 36 with the NUL. */
static const NSUInteger longestTag = 35;
/** Bytes of a name in a directory. */
static const NSUInteger longestName = 255;

@implementation VZVirtioFileSystemDeviceConfiguration
VZ_VALUES_VZVirtioFileSystemDeviceConfiguration
+ (NSString *)macOSGuestAutomountTag {
  return @"com.apple.virtio-fs.automount";
}
+ (BOOL)validateTag:(NSString *)tag error:(NSError **)error {
  NSUInteger length = [tag lengthOfBytesUsingEncoding:NSUTF8StringEncoding];
  if (length > 0 && length <= longestTag) return YES;
  return vzlFail(error, VZErrorInvalidVirtualMachineConfiguration,
                 @"The tag must be non-empty and shorter than 36 bytes in UTF-8.");
}
- (instancetype)initWithTag:(NSString *)tag {
  if ((self = [super init])) _tag = [tag copy];
  return self;
}
@end

@implementation VZMultipleDirectoryShare
VZ_VALUES_VZMultipleDirectoryShare
+ (BOOL)validateName:(NSString *)name error:(NSError **)error {
  NSUInteger length = [name lengthOfBytesUsingEncoding:NSUTF8StringEncoding];
  bool isPath = [name rangeOfString:@"/"].length > 0 || [name isEqualToString:@"."] || [name isEqualToString:@".."];
  if (length > 0 && length <= longestName && !isPath) return YES;
  return vzlFail(error, VZErrorInvalidVirtualMachineConfiguration, @"The directory name is not a valid file name.");
}
+ (NSString *)canonicalizedNameFromName:(NSString *)name {
  NSMutableString *canonical = [[[name precomposedStringWithCanonicalMapping] mutableCopy] autorelease];
  [canonical replaceOccurrencesOfString:@"/" withString:@"_" options:0 range:NSMakeRange(0, [canonical length])];
  return [self validateName:canonical error:nullptr] ? canonical : nil;
}
- (instancetype)init {
  return [self initWithDirectories:[NSDictionary dictionary]];
}
- (instancetype)initWithDirectories:(NSDictionary *)directories {
  for (NSString *name in directories) {
    if ([[self class] validateName:name error:nullptr]) continue;
    [self release];
    [NSException raise:NSInvalidArgumentException format:@"Invalid directory name '%@'.", name];
  }
  if ((self = [super init])) _directories = [directories copy];
  return self;
}
@end

/** not-supported, not-installed or installed. */
static VZLinuxRosettaAvailability rosetta() {
  vzlReadFaults();
  std::string state = vzlFaultValue("rosetta", "installed");
  if (state == "not-supported") return VZLinuxRosettaAvailabilityNotSupported;
  return state == "not-installed" ? VZLinuxRosettaAvailabilityNotInstalled : VZLinuxRosettaAvailabilityInstalled;
}

@implementation VZLinuxRosettaDirectoryShare
VZ_VALUES_VZLinuxRosettaDirectoryShare
+ (VZLinuxRosettaAvailability)availability {
  return rosetta();
}
// Apple calls back on an arbitrary queue; so one of our own, which ends with the call.
+ (void)installRosettaWithCompletionHandler:(void (^)(NSError *))handler {
  NSError *error = nil;
  if (rosetta() == VZLinuxRosettaAvailabilityNotSupported) {
    error = vzlError(VZErrorNotSupported, @"Rosetta is not supported on this Mac.");
  } else if (vzlFault("rosetta-refused")) {
    error = vzlError(VZErrorOperationCancelled, @"The installation was cancelled.");
  }
  dispatch_queue_t queue = dispatch_queue_create("look-alike.rosetta", DISPATCH_QUEUE_SERIAL);
  dispatch_async(queue, ^{
    handler(error);
  });
  dispatch_release(queue);
}
- (instancetype)initWithError:(NSError **)error {
  if (rosetta() != VZLinuxRosettaAvailabilityInstalled) {
    vzlFail(error, VZErrorNotSupported, @"Rosetta is not installed.");
    [self release];
    return nil;
  }
  return self = [super init];
}
@end

@implementation VZLinuxRosettaUnixSocketCachingOptions
VZ_VALUES_VZLinuxRosettaUnixSocketCachingOptions
+ (NSUInteger)maximumPathLength {
  return 107;
}
- (instancetype)init {
  return [self initWithPath:@"/run/rosettad/rosetta.sock" error:nullptr];
}
- (instancetype)initWithPath:(NSString *)path error:(NSError **)error {
  NSUInteger length = [path lengthOfBytesUsingEncoding:NSUTF8StringEncoding];
  if (![path hasPrefix:@"/"] || length > [[self class] maximumPathLength]) {
    vzlFail(error, VZErrorInvalidVirtualMachineConfiguration, @"The socket's path must be absolute and not too long.");
    [self release];
    return nil;
  }
  if ((self = [super init])) _path = [path copy];
  return self;
}
@end

@implementation VZLinuxRosettaAbstractSocketCachingOptions
VZ_VALUES_VZLinuxRosettaAbstractSocketCachingOptions
+ (NSUInteger)maximumNameLength {
  return 107;
}
- (instancetype)initWithName:(NSString *)name error:(NSError **)error {
  NSUInteger length = [name lengthOfBytesUsingEncoding:NSUTF8StringEncoding];
  if (length == 0 || length > [[self class] maximumNameLength]) {
    vzlFail(error, VZErrorInvalidVirtualMachineConfiguration, @"The socket's name is empty or too long.");
    [self release];
    return nil;
  }
  if ((self = [super init])) _name = [name copy];
  return self;
}
@end
