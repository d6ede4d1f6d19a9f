// Delegate and observer of a machine. The framework holds its delegates weakly, so the machine holds these; they point back
// plainly, and `forget` cuts that before the machine goes.
#pragma once

#include "platform.h"

namespace vzshell {
class VzMachine;
}

@interface VzsObserver : NSObject <VZVirtualMachineDelegate, VZVirtioConsoleDeviceDelegate> {
  vzshell::VzMachine *_machine;
}
- (instancetype)initWithMachine:(vzshell::VzMachine *)machine;
- (void)forget;
@end

API_AVAILABLE(macos(14.0))
@interface VzsDiskObserver : NSObject <VZNetworkBlockDeviceStorageDeviceAttachmentDelegate> {
  vzshell::VzMachine *_machine;
  size_t _index;
}
- (instancetype)initWithMachine:(vzshell::VzMachine *)machine index:(size_t)index;
- (void)forget;
@end
