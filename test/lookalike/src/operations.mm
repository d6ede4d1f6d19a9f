// What a machine does: its states, who may ask for what in which, and what the helper tells. The end is the helper's exit, so that
// no process, lock or socket of the machine is left when the program hears of it.

#include "link.h"
#include "helper.h"
#include <Block.h>
#include <cerrno>

/** The console's descriptors, where it is handles. */
static void consoleDescriptors(VZVirtualMachineConfiguration *configuration, int *input, int *output) {
  *input = *output = -1;
  NSArray *ports = [configuration serialPorts];
  if ([ports count] == 0) return;
  id attachment = [(VZSerialPortConfiguration *)[ports objectAtIndex:0] attachment];
  if (![attachment isKindOfClass:[VZFileHandleSerialPortAttachment class]]) return;
  NSFileHandle *reading = [attachment fileHandleForReading], *writing = [attachment fileHandleForWriting];
  if (reading != nil) *input = [reading fileDescriptor];
  if (writing != nil) *output = [writing fileDescriptor];
}

@implementation VZVirtualMachine (Operations)
- (void)startWithCompletionHandler:(VZLDone)handler {
  VZL_ON_QUEUE(_queue);
  if (![self canStart]) {
    [self vzlRefuse:handler];
    return;
  }
  [self vzlBegin:VZVirtualMachineStateStarting handler:handler];
  if (vzlFault("start-fails")) {
    [self vzlFailStart:vzlError(VZErrorInternal, @"The virtual machine failed to start.")];
    return;
  }
  if (vzlFault("out-of-disk")) {
    [self vzlFailStart:vzlError(VZErrorOutOfDiskSpace, @"There is no space left on the disk.", vzlPosixError(ENOSPC))];
    return;
  }
  int input, output, failed = 0;
  consoleDescriptors(_configuration, &input, &output);
  _link->needDirectory();
  _link->isHelped = true;
  _helper = vzl::startHelper(input, output, [self vzlOnLine], [self vzlOnGone], &failed);
  if (_helper == nullptr) {
    _link->isHelped = false;
    NSString *reason = @"The look-alike cannot start its helper (VZ_LOOKALIKE_HELPER).";
    [self vzlFailStart:vzlError(VZErrorInternal, reason, vzlPosixError(failed))];
    return;
  }
  [self vzlSend:@{
    @"command" : @"start",
    @"directory" : [NSString stringWithUTF8String:_link->directory.c_str()],
    @"configuration" : _description,
    @"output" : [NSNumber numberWithBool:output >= 0],
    @"input" : [NSNumber numberWithBool:input >= 0]
  }];
}

- (void)startWithOptions:(VZVirtualMachineStartOptions *)options completionHandler:(VZLDone)handler {
  [self startWithCompletionHandler:handler];
}

- (void)stopWithCompletionHandler:(VZLDone)handler {
  VZL_ON_QUEUE(_queue);
  if (![self canStop]) {
    [self vzlRefuse:handler];
    return;
  }
  [self vzlBegin:VZVirtualMachineStateStopping handler:handler];
  _hangs = vzlFault("stop-never");
  if (_hangs) return;
  // A saved machine's memory is the paused process itself: it is put aside, and the machine is stopped all the same.
  if (_saved != nil) [self vzlPark];
  else [self vzlSend:@{@"command" : @"stop"}];
}

- (void)pauseWithCompletionHandler:(VZLDone)handler {
  VZL_ON_QUEUE(_queue);
  if (![self canPause]) {
    [self vzlRefuse:handler];
    return;
  }
  [self vzlBegin:VZVirtualMachineStatePausing handler:handler];
  [self vzlSend:@{@"command" : @"pause"}];
}

- (void)resumeWithCompletionHandler:(VZLDone)handler {
  VZL_ON_QUEUE(_queue);
  if (![self canResume]) {
    [self vzlRefuse:handler];
    return;
  }
  [self vzlBegin:VZVirtualMachineStateResuming handler:handler];
  [self vzlSpoilSaved];
  [self vzlSend:@{@"command" : @"resume"}];
}

// A press of the power button: delivered, and no more. Our guests do not heed it, nor does the driver behind the helper press it.
- (BOOL)requestStopWithError:(NSError **)error {
  VZL_ON_QUEUE(_queue);
  if ([self canRequestStop]) return YES;
  return vzlFail(error, VZErrorInvalidVirtualMachineState, @"The virtual machine is not running.");
}
@end

@implementation VZVirtualMachine (VZLookalike)
- (void)vzlBecome:(VZVirtualMachineState)state {
  [self willChangeValueForKey:@"state"];
  _state = state;
  [self didChangeValueForKey:@"state"];
}

- (void)vzlRefuse:(VZLDone)handler {
  NSString *reason = [NSString stringWithFormat:@"Transition from state %ld.", (long)_state];
  NSError *error = vzlError(VZErrorInvalidVirtualMachineStateTransition, reason);
  dispatch_async(_queue, ^{
    handler(error);
  });
}

- (void)vzlBegin:(VZVirtualMachineState)state handler:(VZLDone)handler {
  _pending = (void *)Block_copy(handler);
  [self retain];
  [self vzlBecome:state];
}

- (void)vzlFinish:(NSError *)error {
  VZLDone handler = (VZLDone)_pending;
  if (handler == nil) return;
  _pending = nullptr;
  handler(error);
  Block_release(handler);
  [self autorelease];
}

// Later, as the framework: never before start has returned.
- (void)vzlFailStart:(NSError *)error {
  dispatch_async(_queue, ^{
    [self vzlBecome:VZVirtualMachineStateError];
    [self vzlFinish:error];
  });
}

- (void)vzlSend:(NSDictionary *)command {
  NSData *text = [NSJSONSerialization dataWithJSONObject:command options:0 error:nullptr];
  if (_helper != nullptr) _helper->send(std::string((const char *)[text bytes], [text length]));
}

- (vzl::OnLine)vzlOnLine {
  // Not to keep it alive: a machine that is let go is gone at once, its helper some milliseconds later.
  std::weak_ptr<vzl::Link> weak = _link;
  // By value: a block keeps a reference as a reference.
  return [weak](std::string line) {
    vzl::LinkP link = weak.lock();
    if (link == nullptr) return;
    dispatch_async(link->queue, ^{
      NSData *text = [NSData dataWithBytes:line.data() length:line.size()];
      NSDictionary *event = [NSJSONSerialization JSONObjectWithData:text options:0 error:nullptr];
      if (event != nil) [link->machine vzlEvent:event];
    });
  };
}

- (vzl::OnGone)vzlOnGone {
  std::weak_ptr<vzl::Link> weak = _link;
  return [weak](int status) {
    vzl::LinkP link = weak.lock();
    if (link == nullptr) return;
    dispatch_async(link->queue, ^{
      [link->machine vzlGone:status];
    });
  };
}

- (void)vzlEvent:(NSDictionary *)event {
  NSString *name = [event objectForKey:@"event"];
  if ([name isEqualToString:@"started"]) {
    [self vzlBecome:VZVirtualMachineStateRunning];
    [self vzlFinish:nil];
    [self vzlSufferFaults];
  } else if ([name isEqualToString:@"paused"]) {
    [self vzlBecome:VZVirtualMachineStatePaused];
    [self vzlFinish:nil];
  } else if ([name isEqualToString:@"resumed"]) {
    [self vzlBecome:VZVirtualMachineStateRunning];
    [self vzlFinish:nil];
  } else if ([name isEqualToString:@"failed"]) {
    bool wasPausing = _state == VZVirtualMachineStatePausing;
    [self vzlBecome:wasPausing ? VZVirtualMachineStateRunning : VZVirtualMachineStatePaused];
    [self vzlFinish:vzlError(VZErrorInternal, [event objectForKey:@"message"])];
  } else {
    [_lastWords release];
    _lastWords = [event retain];
  }
}

- (void)vzlGone:(int)status {
  [[self retain] autorelease];
  _helper.reset();
  _link->isHelped = false;
  if (_hangs) return;
  [self vzlForgetSaved];
  NSDictionary *words = [_lastWords autorelease];
  _lastWords = nil;
  _link->cutConnections();
  if (_state == VZVirtualMachineStateStopping) {
    [self vzlBecome:VZVirtualMachineStateStopped];
    [self vzlFinish:nil];
    return;
  }
  if ([[words objectForKey:@"event"] isEqualToString:@"guest-stopped"]) {
    [self vzlBecome:VZVirtualMachineStateStopped];
    [self vzlFinish:vzlError(VZErrorOperationCancelled, @"The guest stopped.")];
    if ([_delegate respondsToSelector:@selector(guestDidStopVirtualMachine:)]) [_delegate guestDidStopVirtualMachine:self];
    return;
  }
  bool wasStarting = _state == VZVirtualMachineStateStarting;
  NSString *said = [words objectForKey:@"message"];
  if (said == nil) said = [NSString stringWithFormat:@"the helper ended with status %d", status];
  NSError *cause = [NSError errorWithDomain:@"VZLookalike" code:status userInfo:@{NSLocalizedDescriptionKey : said}];
  NSString *reason = wasStarting ? @"The virtual machine failed to start." : @"The virtual machine stopped unexpectedly.";
  NSError *error = vzlError(VZErrorInternal, reason, cause);
  [self vzlBecome:VZVirtualMachineStateError];
  [self vzlFinish:error];
  if (!wasStarting && [_delegate respondsToSelector:@selector(virtualMachine:didStopWithError:)]) {
    [_delegate virtualMachine:self didStopWithError:error];
  }
}
@end
