// Boot loaders and the platform.

#include "lookalike.h"
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

@implementation VZLinuxBootLoader
VZ_VALUES_VZLinuxBootLoader
- (instancetype)initWithKernelURL:(NSURL *)kernelURL {
  if ((self = [super init])) {
    _kernelURL = [kernelURL copy];
    _commandLine = @"";
  }
  return self;
}
@end

/** Bytes that a new variable store has, as on a Mac. */
static const off_t variableStoreSize = 128 * 1024;

@implementation VZEFIVariableStore
VZ_VALUES_VZEFIVariableStore
- (instancetype)initWithURL:(NSURL *)URL {
  if ((self = [super init])) _URL = [URL copy];
  return self;
}
- (instancetype)initCreatingVariableStoreAtURL:(NSURL *)URL
                                       options:(VZEFIVariableStoreInitializationOptions)options
                                         error:(NSError **)error {
  bool overwrites = (options & VZEFIVariableStoreInitializationOptionAllowOverwrite) != 0;
  int flags = O_CREAT | O_RDWR | O_CLOEXEC | (overwrites ? O_TRUNC : O_EXCL);
  int file = open([[URL path] fileSystemRepresentation], flags, 0644);
  if (file < 0 || ftruncate(file, variableStoreSize) != 0) {
    vzlFail(error, VZErrorInternal, @"Failed to create the variable store.", vzlPosixError(errno));
    if (file >= 0) close(file);
    [self release];
    return nil;
  }
  close(file);
  return [self initWithURL:URL];
}
@end

@implementation VZGenericMachineIdentifier
VZ_VALUES_VZGenericMachineIdentifier
- (instancetype)init {
  if ((self = [super init])) {
    char text[37];
    snprintf(text, sizeof text, "%s", [[[NSUUID UUID] UUIDString] UTF8String]);
    // A property list with the UUID, as Apple's has it: its length says nothing.
    NSDictionary *list = @{@"UUID" : [NSString stringWithUTF8String:text]};
    _dataRepresentation = [[NSPropertyListSerialization dataWithPropertyList:list
                                                                      format:NSPropertyListBinaryFormat_v1_0
                                                                     options:0
                                                                       error:nullptr] retain];
  }
  return self;
}
- (instancetype)initWithDataRepresentation:(NSData *)data {
  id list = nil;
  @try {
    list = [NSPropertyListSerialization propertyListWithData:data options:0 format:nullptr error:nullptr];
  } @catch (NSException *) {
    // GNUstep's parser raises on bytes that are no property list.
  }
  bool right = [list isKindOfClass:[NSDictionary class]] && [[list objectForKey:@"UUID"] isKindOfClass:[NSString class]];
  if (!right) {
    [self release];
    return nil;
  }
  if ((self = [super init])) _dataRepresentation = [data copy];
  return self;
}
- (id)copyWithZone:(NSZone *)zone {
  return [self retain];
}
- (BOOL)isEqual:(id)other {
  return [other isKindOfClass:[VZGenericMachineIdentifier class]] &&
         [[other dataRepresentation] isEqual:_dataRepresentation];
}
- (NSUInteger)hash {
  return [_dataRepresentation hash];
}
@end

@implementation VZGenericPlatformConfiguration
VZ_VALUES_VZGenericPlatformConfiguration
+ (BOOL)isNestedVirtualizationSupported {
  vzlReadFaults();
  return !vzlFault("no-nested");
}
- (instancetype)init {
  if ((self = [super init])) _machineIdentifier = [[VZGenericMachineIdentifier alloc] init];
  return self;
}
@end
