// Faults that befall a machine that runs, at its start or when control.cc says so. Here as with Apple's, delegates hear on the
// machine's queue.

#include "link.h"

@implementation VZVirtualMachine (Suffer)
- (void)vzlSufferFaults {
  if (vzlFault("network-lost")) [self vzlLoseNetworks];
  if (vzlFault("nbd-connected")) [self vzlTellNetworkDisks:nil];
  if (vzlFault("nbd-lost")) {
    [self vzlTellNetworkDisks:vzlError(VZErrorNetworkBlockDeviceDisconnected, @"A fault that the test asked for.")];
  }
  if (vzlFault("console-ports")) [self vzlOpenPorts];
  if (vzlFault("guest-stops-with-error")) {
    [_lastWords release];
    _lastWords = [@{@"event" : @"error", @"message" : @"a fault that the test asked for"} retain];
    _helper->hangUp();
  }
}

- (void)vzlLoseNetworks {
  for (VZNetworkDevice *device in _networkDevices) {
    [device->_attachment autorelease];
    device->_attachment = nil;
    if (![_delegate respondsToSelector:@selector(virtualMachine:networkDevice:attachmentWasDisconnectedWithError:)]) continue;
    NSError *error = vzlError(VZErrorNetworkError, @"The attachment was disconnected.");
    [_delegate virtualMachine:self networkDevice:device attachmentWasDisconnectedWithError:error];
  }
}

- (void)vzlTellNetworkDisks:(NSError *)error {
  for (VZStorageDeviceConfiguration *device in [_configuration storageDevices]) {
    if (![[device attachment] isKindOfClass:[VZNetworkBlockDeviceStorageDeviceAttachment class]]) continue;
    VZNetworkBlockDeviceStorageDeviceAttachment *attachment = (VZNetworkBlockDeviceStorageDeviceAttachment *)[device attachment];
    id delegate = [attachment delegate];
    if (error == nil && [delegate respondsToSelector:@selector(attachmentWasConnected:)]) {
      [delegate attachmentWasConnected:attachment];
    }
    if (error != nil && [delegate respondsToSelector:@selector(attachment:didEncounterError:)]) {
      [delegate attachment:attachment didEncounterError:error];
    }
  }
}

/** Each port is opened and closed once. */
- (void)vzlOpenPorts {
  for (VZVirtioConsoleDevice *device in _consoleDevices) {
    NSDictionary *ports = device->_ports->_byIndex;
    for (NSNumber *index in [[ports allKeys] sortedArrayUsingSelector:@selector(compare:)]) {
      VZVirtioConsolePort *port = [ports objectForKey:index];
      if ([device->_delegate respondsToSelector:@selector(consoleDevice:didOpenPort:)]) {
        [device->_delegate consoleDevice:device didOpenPort:port];
      }
      if ([device->_delegate respondsToSelector:@selector(consoleDevice:didClosePort:)]) {
        [device->_delegate consoleDevice:device didClosePort:port];
      }
    }
  }
}
@end
