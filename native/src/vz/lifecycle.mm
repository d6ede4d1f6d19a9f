// Start, stop, pause, resume, save, restore, and what the framework tells of them.

#include "machine.h"

namespace vzshell {

Failure VzMachine::wrongState(const char *verb) const {
  return Failure::state(std::string("cannot ") + verb + " a machine that is " + nameOf(state_));
}

void VzMachine::start(Reply<Nothing> reply) {
  perform<Nothing>(std::move(reply), [this, self = shared_from_this()](Reply<Nothing> once) {
    if (![vm_.get() canStart]) return once(wrongState("start"));
    stopping_ = false;
    [vm_.get() startWithCompletionHandler:^(NSError *error) {
      // Whether listeners that were set before the start outlive it is not documented; setting one again replaces it.
      if (!error && self->vm_) {
        for (const auto &[listening, listener] : self->listeners_) self->installListener(listening);
      }
      once(resultFrom(error));
    }];
  });
}

void VzMachine::stop(Reply<Nothing> reply) {
  perform<Nothing>(std::move(reply), [this, self = shared_from_this()](Reply<Nothing> once) {
    if (![vm_.get() canStop]) return once(wrongState("stop"));
    stopping_ = true;
    closeConnections(true);
    [vm_.get() stopWithCompletionHandler:^(NSError *error) {
      if (error) self->stopping_ = false;
      once(resultFrom(error));
    }];
  });
}

void VzMachine::requestStop(Reply<Nothing> reply) {
  perform<Nothing>(std::move(reply), [this, self = shared_from_this()](Reply<Nothing> once) {
    if (![vm_.get() canRequestStop]) return once(wrongState("press the power button of"));
    NSError *error = nil;
    if ([vm_.get() requestStopWithError:&error]) return once(Nothing{});
    once(failureFrom(error));
  });
}

void VzMachine::pause(Reply<Nothing> reply) {
  perform<Nothing>(std::move(reply), [this, self = shared_from_this()](Reply<Nothing> once) {
    if (![vm_.get() canPause]) return once(wrongState("pause"));
    [vm_.get() pauseWithCompletionHandler:^(NSError *error) {
      (void)self;
      once(resultFrom(error));
    }];
  });
}

void VzMachine::resume(Reply<Nothing> reply) {
  perform<Nothing>(std::move(reply), [this, self = shared_from_this()](Reply<Nothing> once) {
    if (![vm_.get() canResume]) return once(wrongState("resume"));
    [vm_.get() resumeWithCompletionHandler:^(NSError *error) {
      (void)self;
      once(resultFrom(error));
    }];
  });
}

void VzMachine::save(std::string path, Reply<Nothing> reply) {
  perform<Nothing>(std::move(reply), [this, self = shared_from_this(), path](Reply<Nothing> once) {
    if (configuration_.saveObstacle) return once(*configuration_.saveObstacle);
    if (state_ != State::paused) return once(wrongState("save"));
#if !defined(__APPLE__) || defined(__arm64__)
    if (VZS_AVAILABLE(14.0)) {
      [vm_.get() saveMachineStateToURL:fileURL(path)
                     completionHandler:^(NSError *error) {
                       (void)self;
                       once(resultFrom(error));
                     }];
    }
#endif
  });
}

void VzMachine::restore(std::string path, Reply<Nothing> reply) {
  perform<Nothing>(std::move(reply), [this, self = shared_from_this(), path](Reply<Nothing> once) {
    if (configuration_.saveObstacle) return once(*configuration_.saveObstacle);
    if (state_ != State::stopped) return once(wrongState("restore"));
#if !defined(__APPLE__) || defined(__arm64__)
    if (VZS_AVAILABLE(14.0)) {
      stopping_ = false;
      [vm_.get() restoreMachineStateFromURL:fileURL(path)
                          completionHandler:^(NSError *error) {
                            (void)self;
                            once(resultFrom(error));
                          }];
    }
#endif
  });
}

void VzMachine::stateChanged(State state) {
  state_ = state;
  events_(StateEvent{state});
  // Not at once: the framework is in the middle of its change.
  if (closing_) later([this, self = shared_from_this()] { advanceClosing(); });
}

void VzMachine::guestStopped(Maybe<Failure> error) {
  closeConnections(false);
  if (!stopping_) events_(StoppedEvent{std::move(error)});
}

void VzMachine::networkLost(VZNetworkDevice *device, NSError *error) {
  const NSUInteger index = [vm_.get().networkDevices indexOfObjectIdenticalTo:device];
  if (index != NSNotFound) events_(NetworkLostEvent{index, failureFrom(error)});
}

void VzMachine::diskChanged(size_t index, NSError *error) { events_(NbdEvent{index, failureIf(error)}); }

void VzMachine::consolePortChanged(VZVirtioConsoleDevice *device, VZVirtioConsolePort *port, bool open) {
  const NSUInteger console = [vm_.get().consoleDevices indexOfObjectIdenticalTo:device];
  if (console == NSNotFound) return;
  for (uint32_t i = 0; i < device.ports.maximumPortCount; i++) {
    if ([device.ports objectAtIndexedSubscript:i] == port) return events_(ConsolePortEvent{console, i, open});
  }
}

}  // namespace vzshell
