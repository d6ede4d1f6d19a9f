// Takes what the guest dials on one host port.
#pragma once

#include "platform.h"

namespace vzshell {
class VzMachine;
}

@interface VzsListener : NSObject <VZVirtioSocketListenerDelegate> {
  vzshell::VzMachine *_machine;
  uint32_t _port;
}
- (instancetype)initWithMachine:(vzshell::VzMachine *)machine port:(uint32_t)port;
- (void)forget;
@end
