#include "lookalike.h"

NSErrorDomain const VZErrorDomain = @"VZErrorDomain";

static NSString *sentence(VZErrorCode code) {
  switch (code) {
  case VZErrorInternal: return @"Internal Virtualization error.";
  case VZErrorInvalidVirtualMachineConfiguration: return @"Invalid virtual machine configuration.";
  case VZErrorInvalidVirtualMachineState: return @"Invalid virtual machine state.";
  case VZErrorInvalidVirtualMachineStateTransition: return @"Invalid virtual machine state transition.";
  case VZErrorInvalidDiskImage: return @"Invalid disk image.";
  case VZErrorVirtualMachineLimitExceeded: return @"The maximum number of running virtual machines has been reached.";
  case VZErrorNetworkError: return @"A network error occurred.";
  case VZErrorOutOfDiskSpace: return @"The disk is full.";
  case VZErrorOperationCancelled: return @"The operation was cancelled.";
  case VZErrorNotSupported: return @"The operation is not supported.";
  case VZErrorSave: return @"The virtual machine failed to save.";
  case VZErrorRestore: return @"The virtual machine failed to restore.";
  case VZErrorNetworkBlockDeviceNegotiationFailed: return @"The network block device negotiation failed.";
  case VZErrorNetworkBlockDeviceDisconnected: return @"The network block device was disconnected.";
  case VZErrorUSBControllerNotFound: return @"The USB controller was not found.";
  case VZErrorDeviceAlreadyAttached: return @"The device is already attached.";
  case VZErrorDeviceInitializationFailure: return @"The device failed to initialize.";
  case VZErrorDeviceNotFound: return @"The device was not found.";
  default: return @"An error occurred.";
  }
}

// Apple composes the description of failure and reason; GNUstep's NSError does not.
NSError *vzlError(VZErrorCode code, NSString *reason, NSError *underlying) {
  NSMutableDictionary *info = [NSMutableDictionary dictionary];
  [info setObject:sentence(code) forKey:@"NSLocalizedFailure"];
  [info setObject:reason forKey:NSLocalizedFailureReasonErrorKey];
  [info setObject:[NSString stringWithFormat:@"%@ %@", sentence(code), reason] forKey:NSLocalizedDescriptionKey];
  if (underlying != nil) [info setObject:underlying forKey:NSUnderlyingErrorKey];
  return [NSError errorWithDomain:VZErrorDomain code:code userInfo:info];
}

NSError *vzlPosixError(int number) {
  NSDictionary *info = @{NSLocalizedDescriptionKey : [NSString stringWithUTF8String:strerror(number)]};
  return [NSError errorWithDomain:NSPOSIXErrorDomain code:number userInfo:info];
}

BOOL vzlFail(NSError **error, VZErrorCode code, NSString *reason, NSError *underlying) {
  if (error != nullptr) *error = vzlError(code, reason, underlying);
  return NO;
}

void vzlAssertQueue(dispatch_queue_t queue, const char *method) {
  if (vzl_on_queue(queue)) return;
  fprintf(stderr, "look-alike: %s called off the machine's queue '%s'\n", method, dispatch_queue_get_label(queue));
  abort();
}

// GNUstep prints and calls exit(1) on the thread that raised; on a Mac the process aborts.
static void onUncaught(NSException *exception) {
  fprintf(stderr, "uncaught exception '%s': %s\n", [[exception name] UTF8String], [[exception reason] UTF8String]);
  abort();
}

__attribute__((constructor)) static void setUp() { NSSetUncaughtExceptionHandler(onUncaught); }
