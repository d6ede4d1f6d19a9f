#include "observer.h"

#include "machine.h"

using vzshell::failureFrom;
using vzshell::State;

@implementation VzsObserver

- (instancetype)initWithMachine:(vzshell::VzMachine *)machine {
  if ((self = [super init])) _machine = machine;
  return self;
}

- (void)forget {
  _machine = nullptr;
}

- (void)observeValueForKeyPath:(NSString *)path
                      ofObject:(id)object
                        change:(NSDictionary *)change
                       context:(void *)context {
  if (_machine) _machine->stateChanged(static_cast<State>([[change objectForKey:NSKeyValueChangeNewKey] integerValue]));
}

- (void)guestDidStopVirtualMachine:(VZVirtualMachine *)machine {
  if (_machine) _machine->guestStopped({});
}

- (void)virtualMachine:(VZVirtualMachine *)machine didStopWithError:(NSError *)error {
  if (_machine) _machine->guestStopped(failureFrom(error));
}

- (void)virtualMachine:(VZVirtualMachine *)machine
                               networkDevice:(VZNetworkDevice *)device
         attachmentWasDisconnectedWithError:(NSError *)error {
  if (_machine) _machine->networkLost(device, error);
}

- (void)consoleDevice:(VZVirtioConsoleDevice *)device didOpenPort:(VZVirtioConsolePort *)port {
  if (_machine) _machine->consolePortChanged(device, port, true);
}

- (void)consoleDevice:(VZVirtioConsoleDevice *)device didClosePort:(VZVirtioConsolePort *)port {
  if (_machine) _machine->consolePortChanged(device, port, false);
}

@end

@implementation VzsDiskObserver

- (instancetype)initWithMachine:(vzshell::VzMachine *)machine index:(size_t)index {
  if ((self = [super init])) {
    _machine = machine;
    _index = index;
  }
  return self;
}

- (void)forget {
  _machine = nullptr;
}

- (void)attachmentWasConnected:(VZNetworkBlockDeviceStorageDeviceAttachment *)attachment {
  if (_machine) _machine->diskChanged(_index, nil);
}

- (void)attachment:(VZNetworkBlockDeviceStorageDeviceAttachment *)attachment didEncounterError:(NSError *)error {
  if (_machine) _machine->diskChanged(_index, error);
}

@end
