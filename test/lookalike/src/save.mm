#include "link.h"

@implementation VZVirtualMachine (Save)
- (void)saveMachineStateToURL:(NSURL *)URL completionHandler:(VZLDone)handler {
  VZL_ON_QUEUE(_queue);
  [self vzlRefuse:handler];
}
- (void)restoreMachineStateFromURL:(NSURL *)URL completionHandler:(VZLDone)handler {
  VZL_ON_QUEUE(_queue);
  [self vzlRefuse:handler];
}
@end
