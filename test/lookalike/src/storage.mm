// Disks: attachments that check their file when they are made, and devices.

#include "lookalike.h"
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/** Bytes of a sector. */
static const off_t sector = 512;
/** Bytes of a virtio block device's serial. */
static const NSUInteger longestIdentifier = 20;

/** Whether a disk image can be attached: raw, whole sectors, and of the wanted access. */
static BOOL checkImage(NSURL *URL, BOOL readOnly, NSError **error) {
  struct stat status;
  int file = open([[URL path] fileSystemRepresentation], (readOnly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
  if (file < 0) {
    NSError *why = vzlPosixError(errno);
    return vzlFail(error, VZErrorInvalidDiskImage, @"The disk image could not be opened.", why);
  }
  unsigned char head[4] = {};
  bool isQcow = pread(file, head, sizeof head, 0) == 4 && memcmp(head, "QFI\xfb", 4) == 0;
  int failed = fstat(file, &status);
  close(file);
  if (failed != 0 || !S_ISREG(status.st_mode)) {
    return vzlFail(error, VZErrorInvalidDiskImage, @"The disk image is not a regular file.");
  }
  if (isQcow) return vzlFail(error, VZErrorInvalidDiskImage, @"The disk image format is not recognized.");
  if (status.st_size == 0 || status.st_size % sector != 0) {
    return vzlFail(error, VZErrorInvalidDiskImage, @"The disk image's size is not a multiple of 512 bytes.");
  }
  return YES;
}

@implementation VZDiskImageStorageDeviceAttachment
VZ_VALUES_VZDiskImageStorageDeviceAttachment
- (instancetype)initWithURL:(NSURL *)URL
                   readOnly:(BOOL)readOnly
                cachingMode:(VZDiskImageCachingMode)cachingMode
        synchronizationMode:(VZDiskImageSynchronizationMode)synchronizationMode
                      error:(NSError **)error {
  // 0 is no synchronisation mode: it is the other enumeration's "full", which compiles here.
  if (synchronizationMode < VZDiskImageSynchronizationModeFull ||
      synchronizationMode > VZDiskImageSynchronizationModeNone || cachingMode > VZDiskImageCachingModeCached) {
    [NSException raise:NSInvalidArgumentException format:@"Invalid caching or synchronization mode."];
  }
  if (!checkImage(URL, readOnly, error)) {
    [self release];
    return nil;
  }
  if ((self = [super init])) {
    _URL = [URL copy];
    _readOnly = readOnly;
    _cachingMode = cachingMode;
    _synchronizationMode = synchronizationMode;
  }
  return self;
}
- (instancetype)initWithURL:(NSURL *)URL readOnly:(BOOL)readOnly error:(NSError **)error {
  return [self initWithURL:URL
                  readOnly:readOnly
               cachingMode:VZDiskImageCachingModeAutomatic
       synchronizationMode:VZDiskImageSynchronizationModeFull
                     error:error];
}
@end

@implementation VZDiskBlockDeviceStorageDeviceAttachment
VZ_VALUES_VZDiskBlockDeviceStorageDeviceAttachment
- (instancetype)initWithFileHandle:(NSFileHandle *)fileHandle
                          readOnly:(BOOL)readOnly
               synchronizationMode:(VZDiskSynchronizationMode)synchronizationMode
                             error:(NSError **)error {
  struct stat status;
  int descriptor = [fileHandle fileDescriptor];
  bool isDevice = fstat(descriptor, &status) == 0 && (S_ISBLK(status.st_mode) || S_ISCHR(status.st_mode));
  bool isWritable = (fcntl(descriptor, F_GETFL) & O_ACCMODE) == O_RDWR;
  if (!isDevice || (!readOnly && !isWritable)) {
    vzlFail(error, VZErrorInvalidDiskImage,
            isDevice ? @"The block device is not open for writing." : @"The file handle is not a block device.");
    [self release];
    return nil;
  }
  if ((self = [super init])) {
    _fileHandle = [fileHandle retain];
    _readOnly = readOnly;
    _synchronizationMode = synchronizationMode;
  }
  return self;
}
@end

@implementation VZNetworkBlockDeviceStorageDeviceAttachment
VZ_VALUES_VZNetworkBlockDeviceStorageDeviceAttachment
+ (BOOL)validateURL:(NSURL *)URL error:(NSError **)error {
  NSString *scheme = [URL scheme];
  NSArray *overUnix = @[ @"nbd+unix", @"nbds+unix" ], *overTcp = @[ @"nbd", @"nbds" ];
  if ([overUnix containsObject:scheme]) {
    if ([[URL query] hasPrefix:@"socket="]) return YES;
    return vzlFail(error, VZErrorInvalidVirtualMachineConfiguration, @"The URL has no 'socket' parameter.");
  }
  if ([overTcp containsObject:scheme] && [[URL host] length] > 0) return YES;
  return vzlFail(error, VZErrorInvalidVirtualMachineConfiguration, @"The NBD URL is invalid.");
}
- (instancetype)initWithURL:(NSURL *)URL
                    timeout:(NSTimeInterval)timeout
             forcedReadOnly:(BOOL)forcedReadOnly
        synchronizationMode:(VZDiskSynchronizationMode)synchronizationMode
                      error:(NSError **)error {
  if (![[self class] validateURL:URL error:error]) {
    [self release];
    return nil;
  }
  if ((self = [super init])) {
    _URL = [URL copy];
    _timeout = timeout;
    _forcedReadOnly = forcedReadOnly;
    _synchronizationMode = synchronizationMode;
  }
  return self;
}
- (instancetype)initWithURL:(NSURL *)URL error:(NSError **)error {
  return [self initWithURL:URL timeout:15 forcedReadOnly:NO synchronizationMode:VZDiskSynchronizationModeFull error:error];
}
@end

@implementation VZVirtioBlockDeviceConfiguration
VZ_VALUES_VZVirtioBlockDeviceConfiguration
+ (BOOL)validateBlockDeviceIdentifier:(NSString *)identifier error:(NSError **)error {
  if ([identifier canBeConvertedToEncoding:NSASCIIStringEncoding] && [identifier length] <= longestIdentifier) return YES;
  return vzlFail(error, VZErrorInvalidVirtualMachineConfiguration,
                 @"The block device identifier must be ASCII, of at most 20 bytes.");
}
- (instancetype)initWithAttachment:(VZStorageDeviceAttachment *)attachment {
  if ((self = [super init])) {
    _attachment = [attachment retain];
    _blockDeviceIdentifier = @"";
  }
  return self;
}
@end

@implementation VZUSBMassStorageDeviceConfiguration
VZ_VALUES_VZUSBMassStorageDeviceConfiguration
- (instancetype)initWithAttachment:(VZStorageDeviceAttachment *)attachment {
  if ((self = [super init])) {
    _attachment = [attachment retain];
    _uuid = [[NSUUID UUID] retain];
  }
  return self;
}
@end
