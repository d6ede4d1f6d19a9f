// Save and restore. QEMU cannot write out a machine with vhost-user devices, so a saved machine's memory is its paused process:
// the file names it, a stop puts it aside, and a restore in this process goes on with that very guest. What Apple's can and this
// cannot, fails with the framework's codes: another process, a second restore, a guest that ran on after it was saved.

#include "link.h"
#include <cerrno>
#include <map>
#include <mutex>

namespace {
struct Parked {
  std::shared_ptr<vzl::Helper> helper;
  std::string directory;
  bool spoiled = false;
};
std::mutex mutex;
std::map<std::string, Parked> saved;

NSString *const version = @"look-alike of VZVirtualMachine, saved state 1";

/** What must be the same, without the numbers of descriptors. */
id comparable(id description) {
  if ([description isKindOfClass:[NSArray class]]) {
    NSMutableArray *result = [NSMutableArray array];
    for (id item in description) [result addObject:comparable(item)];
    return result;
  }
  if (![description isKindOfClass:[NSDictionary class]]) return description;
  NSMutableDictionary *result = [NSMutableDictionary dictionary];
  for (NSString *key in description) {
    bool isHandle = [key hasPrefix:@"fileHandle"];
    [result setObject:isHandle ? [NSNull null] : comparable([description objectForKey:key]) forKey:key];
  }
  return result;
}

NSDictionary *readState(NSURL *URL) {
  NSData *text = [NSData dataWithContentsOfFile:[URL path]];
  id state = text == nil ? nil : [NSJSONSerialization JSONObjectWithData:text options:0 error:nullptr];
  bool right = [state isKindOfClass:[NSDictionary class]] && [[state objectForKey:@"version"] isEqual:version];
  return right ? state : nil;
}

NSError *cannotRestore(NSString *reason) { return vzlError(VZErrorRestore, reason, vzlPosixError(EINVAL)); }
}

@implementation VZVirtualMachine (Save)
- (void)saveMachineStateToURL:(NSURL *)URL completionHandler:(VZLDone)handler {
  VZL_ON_QUEUE(_queue);
  if (_state != VZVirtualMachineStatePaused) {
    [self vzlRefuse:handler];
    return;
  }
  [self vzlBegin:VZVirtualMachineStateSaving handler:handler];
  NSError *error = [self vzlWriteState:URL];
  dispatch_async(_queue, ^{
    [self vzlBecome:VZVirtualMachineStatePaused];
    [self vzlFinish:error];
  });
}

- (NSError *)vzlWriteState:(NSURL *)URL {
  NSError *obstacle = nil;
  if (![_configuration validateSaveRestoreSupportWithError:&obstacle]) {
    return vzlError(VZErrorSave, @"The configuration does not support it.", obstacle);
  }
  if (vzlFault("out-of-disk")) return vzlError(VZErrorOutOfDiskSpace, @"The state was not saved.", vzlPosixError(ENOSPC));
  NSString *name = [[NSUUID UUID] UUIDString];
  NSDictionary *state = @{@"version" : version, @"name" : name, @"configuration" : comparable(_description)};
  NSData *text = [NSJSONSerialization dataWithJSONObject:state options:0 error:nullptr];
  NSError *why = nil;
  if (![text writeToFile:[URL path] options:NSDataWritingAtomic error:&why]) {
    return vzlError(VZErrorSave, @"The file cannot be written.", why);
  }
  [self vzlForgetSaved];
  _saved = [name retain];
  std::lock_guard<std::mutex> lock(mutex);
  saved[[name UTF8String]] = {};
  return nil;
}

- (void)vzlPark {
  [self vzlSend:@{@"command" : @"park"}];
  std::shared_ptr<vzl::Helper> helper = std::move(_helper);
  _link->cutConnections();
  std::string directory = _link->leaveDirectory();
  _link->isHelped = false;
  [(VZVirtioSocketDevice *)[_socketDevices lastObject] vzlMoveListeners];
  std::string name = [_saved UTF8String];
  [_saved release];
  _saved = nil;
  vzl::listenTo(helper, nullptr, [name](int) {
    std::lock_guard<std::mutex> lock(mutex);
    saved.erase(name);
  });
  {
    std::lock_guard<std::mutex> lock(mutex);
    saved[name] = {helper, directory, false};
  }
  dispatch_async(_queue, ^{
    [self vzlBecome:VZVirtualMachineStateStopped];
    [self vzlFinish:nil];
  });
}

- (void)vzlSpoilSaved {
  if (_saved == nil) return;
  std::lock_guard<std::mutex> lock(mutex);
  saved[[_saved UTF8String]].spoiled = true;
  [_saved release];
  _saved = nil;
}

- (void)vzlForgetSaved {
  if (_saved == nil) return;
  std::lock_guard<std::mutex> lock(mutex);
  saved.erase([_saved UTF8String]);
  [_saved release];
  _saved = nil;
}

- (void)restoreMachineStateFromURL:(NSURL *)URL completionHandler:(VZLDone)handler {
  VZL_ON_QUEUE(_queue);
  if (_state != VZVirtualMachineStateStopped) {
    [self vzlRefuse:handler];
    return;
  }
  [self vzlBegin:VZVirtualMachineStateRestoring handler:handler];
  NSError *error = [self vzlTakeState:URL];
  dispatch_async(_queue, ^{
    [self vzlBecome:error == nil ? VZVirtualMachineStatePaused : VZVirtualMachineStateStopped];
    [self vzlFinish:error];
  });
}

- (NSError *)vzlTakeState:(NSURL *)URL {
  NSDictionary *state = readState(URL);
  if (state == nil) return cannotRestore(@"The file is not a saved state.");
  if (![[state objectForKey:@"configuration"] isEqual:comparable(_description)]) {
    return cannotRestore(@"The configuration or the machine identifier is not that of the saved machine: invalid argument.");
  }
  Parked parked;
  {
    std::lock_guard<std::mutex> lock(mutex);
    auto found = saved.find([[state objectForKey:@"name"] UTF8String]);
    if (found == saved.end()) {
      return cannotRestore(@"The look-alike keeps a saved machine in the process that saved it, for one restore.");
    }
    if (found->second.spoiled) return cannotRestore(@"The look-alike keeps no copy: the guest ran on after it was saved.");
    if (found->second.helper == nullptr) return cannotRestore(@"The machine that was saved has not been stopped.");
    parked = found->second;
    saved.erase(found);
  }
  _helper = parked.helper;
  vzl::listenTo(_helper, [self vzlOnLine], [self vzlOnGone]);
  _link->takeDirectory(parked.directory);
  _link->isHelped = true;
  [(VZVirtioSocketDevice *)[_socketDevices lastObject] vzlMoveListeners];
  return nil;
}
@end
