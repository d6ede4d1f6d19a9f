// USB that comes and goes: a controller's devices, with Apple's refusals 30001 to 30004.

#include "link.h"

@implementation VZUSBMassStorageDevice
- (instancetype)initWithConfiguration:(VZUSBMassStorageDeviceConfiguration *)configuration {
  if ((self = [super init])) {
    _configuration = [configuration copy];
    _uuid = [[configuration uuid] copy];
  }
  return self;
}
- (VZUSBController *)usbController {
  return _usbController;
}
- (NSUUID *)uuid {
  return _uuid;
}
- (void)dealloc {
  [_configuration release];
  [_uuid release];
  [super dealloc];
}
@end

@implementation VZUSBController
- (NSArray *)usbDevices {
  VZL_ON_QUEUE(_link->queue);
  return [[_attached copy] autorelease];
}

- (void)vzlAnswer:(VZLDone)handler error:(NSError *)error {
  dispatch_async(_link->queue, ^{
    handler(error);
  });
}

/** Why no device can come or go, or nil. */
- (NSError *)vzlRefusal {
  if (_link->machine == nil) return vzlError(VZErrorUSBControllerNotFound, @"The controller's machine is gone.");
  VZVirtualMachineState state = _link->machine->_state;
  if (state == VZVirtualMachineStateRunning || state == VZVirtualMachineStatePaused) return nil;
  return vzlError(VZErrorInvalidVirtualMachineState, @"The virtual machine is not running.");
}

// Recorded: the driver behind the helper has no USB, and the guest sees nothing.
- (void)attachDevice:(id<VZUSBDevice>)device completionHandler:(VZLDone)handler {
  VZL_ON_QUEUE(_link->queue);
  NSError *error = [self vzlRefusal];
  if (error == nil && vzlFault("usb-fails")) {
    error = vzlError(VZErrorDeviceInitializationFailure, @"A fault that the test asked for.");
  }
  VZUSBMassStorageDevice *storage = (VZUSBMassStorageDevice *)device;
  if (error == nil && (storage->_usbController != nil || [self vzlDeviceWithIdentifier:[device uuid]] != nil)) {
    error = vzlError(VZErrorDeviceAlreadyAttached, @"The device is attached to a controller.");
  }
  if (error == nil) {
    [_attached addObject:device];
    storage->_usbController = self;
  }
  [self vzlAnswer:handler error:error];
}

- (void)detachDevice:(id<VZUSBDevice>)device completionHandler:(VZLDone)handler {
  VZL_ON_QUEUE(_link->queue);
  NSError *error = [self vzlRefusal];
  if (error == nil && ![_attached containsObject:device]) {
    error = vzlError(VZErrorDeviceNotFound, @"The device is not attached to this controller.");
  }
  if (error == nil) {
    ((VZUSBMassStorageDevice *)device)->_usbController = nil;
    [_attached removeObject:device];
  }
  [self vzlAnswer:handler error:error];
}

- (id)vzlDeviceWithIdentifier:(NSUUID *)identifier {
  for (id<VZUSBDevice> device in _attached) {
    if ([[device uuid] isEqual:identifier]) return device;
  }
  return nil;
}

- (void)dealloc {
  for (VZUSBMassStorageDevice *device in _attached) device->_usbController = nil;
  [_attached release];
  [super dealloc];
}
@end
