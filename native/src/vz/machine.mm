// How a machine begins and ends.

#include "machine.h"

namespace vzshell {

namespace {

/** How long a machine that is being closed may take to stop, in milliseconds, before it is dropped. */
constexpr uint32_t kStopTime = 10'000;

}  // namespace

Result<std::shared_ptr<Machine>> makeMachine(const Config &config, std::function<void(Event)> events,
                                             std::shared_ptr<Deadlines> deadlines) {
  @autoreleasepool {
    @try {
      auto made = makeConfiguration(config);
      if (const Failure *failure = failureOf(made)) return *failure;
      auto machine = std::make_shared<VzMachine>(std::get<Configuration>(std::move(made)), std::move(events),
                                                 std::move(deadlines));
      if (auto failure = machine->open()) return *failure;
      return std::shared_ptr<Machine>(std::move(machine));
    } @catch (NSException *exception) {
      return failureFrom(exception);
    }
  }
}

VzMachine::VzMachine(Configuration configuration, std::function<void(Event)> events, std::shared_ptr<Deadlines> deadlines)
    : configuration_(std::move(configuration)),
      deadlines_(std::move(deadlines)),
      queue_(dispatch_queue_create("dev.vzshell.machine", DISPATCH_QUEUE_SERIAL)),
      events_(std::move(events)) {}

VzMachine::~VzMachine() {
#if !__has_feature(objc_arc)
  dispatch_release(queue_);
#endif
}

Maybe<Failure> VzMachine::open() {
  __block Maybe<Failure> failure;
  VzMachine *self = this;
  dispatch_sync(queue_, ^{
    @autoreleasepool {
      @try {
        self->vm_ = Retained<VZVirtualMachine *>(autoreleased([[VZVirtualMachine alloc]
            initWithConfiguration:self->configuration_.object.get()
                            queue:self->queue_]));
        self->observe();
      } @catch (NSException *exception) {
        failure = failureFrom(exception);
        self->teardown();
      }
    }
  });
  return failure;
}

void VzMachine::observe() {
  VzsObserver *observer = autoreleased([[VzsObserver alloc] initWithMachine:this]);
  observer_ = Retained<VzsObserver *>(observer);
  VZVirtualMachine *vm = vm_.get();
  vm.delegate = observer;
  [vm addObserver:observer forKeyPath:@"state" options:NSKeyValueObservingOptionNew context:nullptr];
  for (VZConsoleDevice *device in vm.consoleDevices) {
    if ([device isKindOfClass:[VZVirtioConsoleDevice class]]) static_cast<VZVirtioConsoleDevice *>(device).delegate = observer;
  }
  if (VZS_AVAILABLE(14.0)) {
    for (const auto &[index, attachment] : configuration_.networkDisks) {
      VzsDiskObserver *disk = autoreleased([[VzsDiskObserver alloc] initWithMachine:this index:index]);
      static_cast<VZNetworkBlockDeviceStorageDeviceAttachment *>(attachment.get()).delegate = disk;
      diskObservers_.emplace_back(disk);
    }
  }
}

void VzMachine::close(Reply<Nothing> reply) {
  later([this, self = shared_from_this(), reply] {
    if (!vm_) return reply(Nothing{});
    closed_.push_back(reply);
    if (closing_) return;
    closing_ = true;
    stopping_ = true;
    calls_->failAll(Failure::closed());
    closeDeadline_ = deadlines_->add(kStopTime, [weak = weak_from_this()] {
      const auto machine = weak.lock();
      if (machine) machine->later([machine] { machine->teardown(); });
    });
    advanceClosing();
  });
}

/** What is in between two states is waited for: `stateChanged` comes back here. */
void VzMachine::advanceClosing() {
  if (!vm_) return;
  const State now = state_;
  if (now == State::stopped || now == State::error) return teardown();
  if (closingStop_ || ![vm_.get() canStop]) return;
  closingStop_ = true;
  closeConnections(true);
  const auto self = shared_from_this();
  [vm_.get() stopWithCompletionHandler:^(NSError *) {
    // Not inside the framework's own call.
    self->later([self] { self->teardown(); });
  }];
}

void VzMachine::closeNow() {
  const auto self = shared_from_this();
  dispatch_sync(queue_, ^{
    @autoreleasepool {
      @try {
        self->teardown();
      } @catch (NSException *exception) {
        NSLog(@"vzshell: %@: %@", [exception name], [exception reason]);
      }
    }
  });
}

/** Drops all that the framework gave, in the order that leaves nothing to call back. */
void VzMachine::teardown() {
  if (!vm_) return;
  closing_ = true;
  deadlines_->cancel(closeDeadline_);
  VZVirtualMachine *vm = vm_.get();
  if (observer_) [vm removeObserver:observer_.get() forKeyPath:@"state"];
  vm.delegate = nil;
  for (VZConsoleDevice *device in vm.consoleDevices) {
    if ([device isKindOfClass:[VZVirtioConsoleDevice class]]) static_cast<VZVirtioConsoleDevice *>(device).delegate = nil;
  }
  if (VZS_AVAILABLE(14.0)) {
    for (const auto &[index, attachment] : configuration_.networkDisks) {
      static_cast<VZNetworkBlockDeviceStorageDeviceAttachment *>(attachment.get()).delegate = nil;
    }
    for (const auto &disk : diskObservers_) [static_cast<VzsDiskObserver *>(disk.get()) forget];
  }
  [observer_.get() forget];
  for (const auto &[port, listener] : listeners_) {
    [socketDevice() removeSocketListenerForPort:port];
    listener.object.get().delegate = nil;
    [listener.delegate.get() forget];
  }
  listeners_.clear();
  closeConnections(true);
  diskObservers_.clear();
  observer_.reset();
  vm_.reset();
  state_ = State::stopped;
  calls_->failAll(Failure::closed());
  events_ = [](const Event &) {};
  const auto replies = std::move(closed_);
  closed_.clear();
  for (const auto &reply : replies) reply(Nothing{});
}

}  // namespace vzshell
