// VZVirtualMachine: its making, its properties and its end. What it does is in operations.mm.

#include "link.h"
#include "counters.h"
#include "helper.h"
#include <Block.h>

// Not counted from one process's machines: two of them in a test may write to one directory.
static int numberOfMachines = 0;

/** VZ_LOOKALIKE_DIR gets each machine's configuration as `machine-<pid>-<n>.json`. */
static void writeDescription(NSDictionary *description) {
  const char *directory = getenv("VZ_LOOKALIKE_DIR");
  if (directory == nullptr) return;
  int number = __atomic_add_fetch(&numberOfMachines, 1, __ATOMIC_SEQ_CST);
  NSString *path = [NSString stringWithFormat:@"%s/machine-%d-%d.json", directory, getpid(), number];
  NSData *text = [NSJSONSerialization dataWithJSONObject:description options:NSJSONWritingPrettyPrinted error:nullptr];
  [text writeToFile:path atomically:YES];
}

@implementation VZVirtualMachine
+ (BOOL)isSupported {
  vzlReadFaults();
  return !vzlFault("unsupported");
}

// The state is told by hand, before and after: a change is seen once.
+ (BOOL)automaticallyNotifiesObserversForKey:(NSString *)key {
  return [key isEqualToString:@"state"] ? NO : [super automaticallyNotifiesObserversForKey:key];
}

- (instancetype)initWithConfiguration:(VZVirtualMachineConfiguration *)configuration {
  [self release];
  [NSException raise:NSInternalInconsistencyException
              format:@"A process without a main run loop never drains the main queue: give the machine a queue of its own."];
  return nil;
}

- (instancetype)initWithConfiguration:(VZVirtualMachineConfiguration *)configuration queue:(dispatch_queue_t)queue {
  if (!(self = [super init])) return nil;
  vzlCount(VZLCounter::machines, 1);
  NSError *error = nil;
  if (![configuration validateWithError:&error]) {
    // As Apple's: an invalid configuration is the programmer's mistake here, and no longer an NSError.
    [self release];
    [NSException raise:NSInvalidArgumentException format:@"%@", [error localizedDescription]];
  }
  _queue = queue;
  dispatch_retain(queue);
  _configuration = [configuration copy];
  _link = std::make_shared<vzl::Link>(queue);
  _link->machine = self;
  [self vzlMakeDevices];
  _description = [vzlDescribe(_configuration) retain];
  writeDescription(_description);
  return self;
}

- (dispatch_queue_t)queue {
  return _queue;
}
- (id)delegate {
  VZL_ON_QUEUE(_queue);
  return _delegate;
}
- (void)setDelegate:(id)delegate {
  VZL_ON_QUEUE(_queue);
  _delegate = delegate;
}
- (VZVirtualMachineState)state {
  VZL_ON_QUEUE(_queue);
  return _state;
}
- (BOOL)canStart {
  VZL_ON_QUEUE(_queue);
  return _state == VZVirtualMachineStateStopped || _state == VZVirtualMachineStateError;
}
- (BOOL)canStop {
  VZL_ON_QUEUE(_queue);
  return _state == VZVirtualMachineStateRunning || _state == VZVirtualMachineStatePaused;
}
- (BOOL)canPause {
  VZL_ON_QUEUE(_queue);
  return _state == VZVirtualMachineStateRunning;
}
- (BOOL)canResume {
  VZL_ON_QUEUE(_queue);
  return _state == VZVirtualMachineStatePaused;
}
- (BOOL)canRequestStop {
  VZL_ON_QUEUE(_queue);
  return _state == VZVirtualMachineStateRunning;
}
- (NSArray *)consoleDevices {
  VZL_ON_QUEUE(_queue);
  return _consoleDevices;
}
- (NSArray *)directorySharingDevices {
  VZL_ON_QUEUE(_queue);
  return _directorySharingDevices;
}
- (NSArray *)graphicsDevices {
  VZL_ON_QUEUE(_queue);
  return _graphicsDevices;
}
- (NSArray *)memoryBalloonDevices {
  VZL_ON_QUEUE(_queue);
  return _memoryBalloonDevices;
}
- (NSArray *)networkDevices {
  VZL_ON_QUEUE(_queue);
  return _networkDevices;
}
- (NSArray *)socketDevices {
  VZL_ON_QUEUE(_queue);
  return _socketDevices;
}
- (NSArray *)usbControllers {
  VZL_ON_QUEUE(_queue);
  return _usbControllers;
}

// GNUstep forgives a second removal, which is an exception on a Mac, and a machine freed while it is observed: so they are counted.
- (void)addObserver:(NSObject *)observer
         forKeyPath:(NSString *)path
            options:(NSKeyValueObservingOptions)options
            context:(void *)context {
  _observers++;
  [super addObserver:observer forKeyPath:path options:options context:context];
}
- (void)removeObserver:(NSObject *)observer forKeyPath:(NSString *)path {
  if (_observers == 0) {
    [NSException raise:NSRangeException format:@"Cannot remove an observer for \"%@\": it is not registered.", path];
  }
  _observers--;
  [super removeObserver:observer forKeyPath:path];
}
- (void)removeObserver:(NSObject *)observer forKeyPath:(NSString *)path context:(void *)context {
  [self removeObserver:observer forKeyPath:path];
}

- (void)dealloc {
  if (_link != nullptr) {
    // Stricter than Apple's on purpose: a machine that runs is let go on its queue.
    if (_helper != nullptr) vzlAssertQueue(_queue, "release of a running machine");
    if (_observers > 0) {
      fprintf(stderr, "look-alike: a machine was freed while its state is observed\n");
      abort();
    }
    _link->machine = nil;
    [self vzlForgetSaved];
    if (_helper != nullptr) _helper->hangUp();
    if (_pending != nullptr) Block_release(_pending);
    dispatch_release(_queue);
  }
  [_configuration release];
  [_description release];
  [_lastWords release];
  [_saved release];
  [_consoleDevices release];
  [_directorySharingDevices release];
  [_graphicsDevices release];
  [_memoryBalloonDevices release];
  [_networkDevices release];
  [_socketDevices release];
  [_usbControllers release];
  vzlCount(VZLCounter::machines, -1);
  [super dealloc];
}
@end
