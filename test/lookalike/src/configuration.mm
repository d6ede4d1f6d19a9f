// VZVirtualMachineConfiguration, and what Apple's refuses in it, in Apple's shape: code 2, a reason, and the cause below.

#include "lookalike.h"
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint64_t mebibyte = 1 << 20;

static BOOL invalid(NSError **error, NSString *reason, NSError *underlying = nil) {
  return vzlFail(error, VZErrorInvalidVirtualMachineConfiguration, reason, underlying);
}

static BOOL invalidBootLoader(NSError **error, NSString *what, NSError *cause) {
  NSError *below = vzlError(VZErrorInvalidVirtualMachineConfiguration, what, cause);
  return invalid(error, @"The boot loader is invalid.", below);
}

static NSError *cannotOpen(NSURL *URL) {
  int file = open([[URL path] fileSystemRepresentation], O_RDONLY | O_CLOEXEC);
  if (file < 0) return vzlPosixError(errno);
  close(file);
  return nil;
}

@implementation VZVirtualMachineConfiguration
VZ_VALUES_VZVirtualMachineConfiguration
+ (uint64_t)minimumAllowedMemorySize {
  return 128 * mebibyte;
}
+ (uint64_t)maximumAllowedMemorySize {
  return (uint64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / mebibyte * mebibyte;
}
+ (NSUInteger)minimumAllowedCPUCount {
  return 1;
}
+ (NSUInteger)maximumAllowedCPUCount {
  return sysconf(_SC_NPROCESSORS_ONLN);
}

- (instancetype)init {
  vzlReadFaults();
  if ((self = [super init])) {
    _CPUCount = 1;
    _memorySize = 512 * mebibyte;
    _platform = [[VZGenericPlatformConfiguration alloc] init];
    NSArray **lists[] = {(NSArray **)&_audioDevices,  (NSArray **)&_consoleDevices,       (NSArray **)&_directorySharingDevices,
                         (NSArray **)&_entropyDevices, (NSArray **)&_memoryBalloonDevices, (NSArray **)&_networkDevices,
                         (NSArray **)&_serialPorts,    (NSArray **)&_socketDevices,        (NSArray **)&_storageDevices,
                         (NSArray **)&_keyboards,      (NSArray **)&_pointingDevices,      (NSArray **)&_graphicsDevices,
                         (NSArray **)&_usbControllers};
    for (NSArray **list : lists) *list = [[NSArray alloc] init];
  }
  return self;
}

- (BOOL)validateWithError:(NSError **)error {
  if (![VZVirtualMachine isSupported]) return invalid(error, @"Virtualization is not available on this hardware.");
  if (vzlFault("no-entitlement")) {
    return invalid(error, @"The process doesn’t have the “com.apple.security.virtualization” entitlement.");
  }
  if (vzlFault("validation-fails")) return invalid(error, @"A fault that the test asked for.");
  return [self vzlCheckClasses:error] && [self vzlCheckSizes:error] && [self vzlCheckBoot:error] &&
         [self vzlCheckStorage:error] && [self vzlCheckNetwork:error] && [self vzlCheckShares:error] &&
         [self vzlCheckConsoles:error] && [self vzlCheckOthers:error];
}

// The compiler cannot see a wrong class inside an array literal.
- (BOOL)vzlCheckClasses:(NSError **)error {
  struct {
    NSArray *list;
    Class wanted;
  } rows[] = {{_audioDevices, [VZAudioDeviceConfiguration class]},
              {_consoleDevices, [VZConsoleDeviceConfiguration class]},
              {_directorySharingDevices, [VZDirectorySharingDeviceConfiguration class]},
              {_entropyDevices, [VZEntropyDeviceConfiguration class]},
              {_memoryBalloonDevices, [VZMemoryBalloonDeviceConfiguration class]},
              {_networkDevices, [VZNetworkDeviceConfiguration class]},
              {_serialPorts, [VZSerialPortConfiguration class]},
              {_socketDevices, [VZSocketDeviceConfiguration class]},
              {_storageDevices, [VZStorageDeviceConfiguration class]},
              {_keyboards, [VZKeyboardConfiguration class]},
              {_pointingDevices, [VZPointingDeviceConfiguration class]},
              {_graphicsDevices, [VZGraphicsDeviceConfiguration class]},
              {_usbControllers, [VZUSBControllerConfiguration class]}};
  for (auto &row : rows) {
    for (id device in row.list) {
      if ([device isKindOfClass:row.wanted]) continue;
      return invalid(error, [NSString stringWithFormat:@"%@ in a list of %@.", [device class], row.wanted]);
    }
  }
  return YES;
}

- (BOOL)vzlCheckSizes:(NSError **)error {
  Class type = [self class];
  if (_memorySize % mebibyte != 0) return invalid(error, @"The memory size is not a multiple of 1 MiB.");
  if (_memorySize < [type minimumAllowedMemorySize] || _memorySize > [type maximumAllowedMemorySize]) {
    return invalid(error, @"The memory size is out of range.");
  }
  if (_CPUCount < [type minimumAllowedCPUCount] || _CPUCount > [type maximumAllowedCPUCount]) {
    return invalid(error, @"The number of CPUs is out of range.");
  }
  return YES;
}

- (BOOL)vzlCheckBoot:(NSError **)error {
  if (_bootLoader == nil) return invalid(error, @"The boot loader is not set.");
  if (![_platform isKindOfClass:[VZGenericPlatformConfiguration class]]) {
    return invalid(error, @"The boot loader needs a generic platform.");
  }
  bool nested = vzl_macos_at_least(15, 0) && [(VZGenericPlatformConfiguration *)_platform isNestedVirtualizationEnabled];
  if (nested && ![VZGenericPlatformConfiguration isNestedVirtualizationSupported]) {
    return invalid(error, @"Nested virtualization is not supported on this Mac.");
  }
  if ([_bootLoader isKindOfClass:[VZEFIBootLoader class]]) {
    VZEFIVariableStore *store = [(VZEFIBootLoader *)_bootLoader variableStore];
    if (store == nil) return invalidBootLoader(error, @"The EFI variable store is not set.", nil);
    NSError *cause = cannotOpen([store URL]);
    return cause == nil ? YES : invalidBootLoader(error, @"Failed to open the EFI variable store.", cause);
  }
  if (![_bootLoader isKindOfClass:[VZLinuxBootLoader class]]) return invalid(error, @"The boot loader is invalid.");
  VZLinuxBootLoader *linux = (VZLinuxBootLoader *)_bootLoader;
  if (NSError *cause = cannotOpen([linux kernelURL])) return invalidBootLoader(error, @"Failed to open the kernel file.", cause);
  if ([linux initialRamdiskURL] == nil) return YES;
  NSError *cause = cannotOpen([linux initialRamdiskURL]);
  return cause == nil ? YES : invalidBootLoader(error, @"Failed to open the initial RAM disk file.", cause);
}

- (BOOL)vzlCheckStorage:(NSError **)error {
  NSMutableSet *identifiers = [NSMutableSet set];
  for (VZStorageDeviceConfiguration *device in _storageDevices) {
    if (![device isKindOfClass:[VZVirtioBlockDeviceConfiguration class]]) continue;
    NSString *identifier = [(VZVirtioBlockDeviceConfiguration *)device blockDeviceIdentifier];
    if (![VZVirtioBlockDeviceConfiguration validateBlockDeviceIdentifier:identifier error:error]) return NO;
    if ([identifier length] == 0) continue;
    if ([identifiers containsObject:identifier]) return invalid(error, @"A block device identifier is used twice.");
    [identifiers addObject:identifier];
  }
  return YES;
}

- (BOOL)vzlCheckNetwork:(NSError **)error {
  for (VZNetworkDeviceConfiguration *device in _networkDevices) {
    VZNetworkDeviceAttachment *attachment = [device attachment];
    if (attachment == nil) return invalid(error, @"A network device has no attachment.");
    if ([[device MACAddress] isMulticastAddress]) return invalid(error, @"A MAC address is a multicast address.");
    if ([attachment isKindOfClass:[VZBridgedNetworkDeviceAttachment class]] && !vzlFault("bridged-entitlement")) {
      return invalid(error, @"The process doesn’t have the “com.apple.vm.networking” entitlement.");
    }
    if (![attachment isKindOfClass:[VZFileHandleNetworkDeviceAttachment class]]) continue;
    VZFileHandleNetworkDeviceAttachment *handle = (VZFileHandleNetworkDeviceAttachment *)attachment;
    int type = 0;
    socklen_t size = sizeof type;
    getsockopt([[handle fileHandle] fileDescriptor], SOL_SOCKET, SO_TYPE, &type, &size);
    if (type != SOCK_DGRAM) return invalid(error, @"The file handle is not a datagram socket.");
    NSInteger mtu = [handle maximumTransmissionUnit];
    if (mtu < 1500 || mtu > 65535) return invalid(error, @"The maximum transmission unit must be from 1500 to 65535.");
  }
  return YES;
}

static BOOL checkDirectory(VZSharedDirectory *directory, NSError **error) {
  struct stat status;
  if (stat([[[directory URL] path] fileSystemRepresentation], &status) != 0) {
    return invalid(error, @"A shared directory cannot be opened.", vzlPosixError(errno));
  }
  return S_ISDIR(status.st_mode) ? YES : invalid(error, @"A shared directory is not a directory.", vzlPosixError(ENOTDIR));
}

- (BOOL)vzlCheckShares:(NSError **)error {
  NSMutableSet *tags = [NSMutableSet set];
  for (VZVirtioFileSystemDeviceConfiguration *device in _directorySharingDevices) {
    if (![VZVirtioFileSystemDeviceConfiguration validateTag:[device tag] error:error]) return NO;
    if ([tags containsObject:[device tag]]) return invalid(error, @"A directory sharing tag is used twice.");
    [tags addObject:[device tag]];
    id share = [device share];
    if ([share isKindOfClass:[VZSingleDirectoryShare class]] && !checkDirectory([share directory], error)) return NO;
    if (![share isKindOfClass:[VZMultipleDirectoryShare class]]) continue;
    for (VZSharedDirectory *directory in [[share directories] allValues]) {
      if (!checkDirectory(directory, error)) return NO;
    }
  }
  return YES;
}

- (BOOL)vzlCheckConsoles:(NSError **)error {
  for (VZVirtioConsoleDeviceConfiguration *device in _consoleDevices) {
    VZVirtioConsolePortConfigurationArray *ports = [device ports];
    for (NSNumber *index in ports->_byIndex) {
      if ([index unsignedIntValue] < [ports maximumPortCount]) continue;
      return invalid(error, @"A console port's index is over the maximum port count.");
    }
  }
  return YES;
}

- (BOOL)vzlCheckOthers:(NSError **)error {
  if ([_socketDevices count] > 1) return invalid(error, @"There is more than one socket device.");
  if ([_memoryBalloonDevices count] > 1) return invalid(error, @"There is more than one memory balloon device.");
  if ([_graphicsDevices count] > 1) return invalid(error, @"There is more than one graphics device.");
  for (VZVirtioGraphicsDeviceConfiguration *device in _graphicsDevices) {
    if ([[device scanouts] count] > 1) return invalid(error, @"A graphics device has more than one scanout.");
    for (VZVirtioGraphicsScanoutConfiguration *scanout in [device scanouts]) {
      bool right = [scanout widthInPixels] > 0 && [scanout heightInPixels] > 0;
      if (!right) return invalid(error, @"A scanout has no size.");
    }
  }
  NSMutableSet *identifiers = [NSMutableSet set];
  for (VZUSBControllerConfiguration *controller in _usbControllers) {
    for (id<VZUSBDeviceConfiguration> device in [controller usbDevices]) {
      if ([identifiers containsObject:[device uuid]]) return invalid(error, @"A USB device's UUID is used twice.");
      [identifiers addObject:[device uuid]];
    }
  }
  return YES;
}

// Apple does not document which devices cannot be saved; these are ours, so that the refusal has a test.
- (BOOL)validateSaveRestoreSupportWithError:(NSError **)error {
  if (![self validateWithError:error]) return NO;
  if ([_audioDevices count] > 0) {
    return vzlFail(error, VZErrorNotSupported, @"Sound devices do not support save and restore.");
  }
  for (VZVirtioFileSystemDeviceConfiguration *device in _directorySharingDevices) {
    if (![[device share] isKindOfClass:[VZLinuxRosettaDirectoryShare class]]) continue;
    return vzlFail(error, VZErrorNotSupported, @"Rosetta does not support save and restore.");
  }
  return YES;
}
@end
