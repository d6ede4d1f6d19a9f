// vsock: connections both ways. The framework's object stays retained until `release`, because it owns a descriptor of its own,
// and what it does to the connection when it is dropped early is not settled; ours is a duplicate.

#include <sys/socket.h>

#include <cerrno>

#include "machine.h"

namespace vzshell {

namespace {

constexpr const char *kNoDevice = "the machine has no vsock device";

}  // namespace

VZVirtioSocketDevice *VzMachine::socketDevice() const {
  return static_cast<VZVirtioSocketDevice *>([vm_.get().socketDevices firstObject]);
}

Result<Connection> VzMachine::keep(VZVirtioSocketConnection *connection) {
  Descriptor copy = duplicateSocket(connection.fileDescriptor);
  if (!copy) return Failure::posix(errno, "cannot duplicate a vsock connection");
  const uint32_t id = ++lastConnection_;
  connections_[id] = Retained<VZVirtioSocketConnection *>(connection);
  return Connection{std::make_shared<Descriptor>(std::move(copy)), id, connection.sourcePort};
}

void VzMachine::connect(uint32_t port, uint32_t timeout, Reply<Connection> reply) {
  perform<Connection>(std::move(reply), [this, self = shared_from_this(), port, timeout](Reply<Connection> once) {
    const std::string doing = "cannot connect to the guest's port " + std::to_string(port) + ": ";
    VZVirtioSocketDevice *device = socketDevice();
    if (!device) return once(Failure::state(doing + kNoDevice));
    const State now = state_;
    // On its way to a pause or back it takes connections as it does while paused: they wait.
    const bool lives = now == State::running || now == State::paused || now == State::pausing || now == State::resuming;
    if (!lives) return once(Failure::state(doing + "the machine is " + nameOf(now)));

    // Once the time is over nobody waits for the connection, and a late one is closed.
    const auto waits = std::make_shared<bool>(true);
    auto expire = [waits, once, doing, timeout] {
      if (!std::exchange(*waits, false)) return;
      once(Failure::timeout(doing + "no answer within " + std::to_string(timeout) + " ms"));
    };
    const uint64_t deadline = deadlines_->add(timeout, [weak = weak_from_this(), expire] {
      if (const auto machine = weak.lock()) machine->later(expire);
    });
    [device connectToPort:port
        completionHandler:^(VZVirtioSocketConnection *connection, NSError *error) {
          self->deadlines_->cancel(deadline);
          const bool wanted = std::exchange(*waits, false) && !self->closing_ && self->vm_;
          if (!connection) {
            once(failureFrom(error));
          } else if (wanted) {
            once(self->keep(connection));
          } else {
            [connection close];
          }
        }];
  });
}

void VzMachine::listen(uint32_t port, Accept accept, Reply<Nothing> reply) {
  perform<Nothing>(std::move(reply), [this, self = shared_from_this(), port, accept](Reply<Nothing> once) {
    const std::string doing = "cannot listen on host port " + std::to_string(port) + ": ";
    if (!socketDevice()) return once(Failure::state(doing + kNoDevice));
    if (listeners_.count(port)) return once(Failure::state(doing + "it has a listener already"));
    VzsListener *delegate = autoreleased([[VzsListener alloc] initWithMachine:this port:port]);
    VZVirtioSocketListener *listener = make<VZVirtioSocketListener>();
    listener.delegate = delegate;
    listeners_[port] = {Retained<VZVirtioSocketListener *>(listener), Retained<VzsListener *>(delegate), accept};
    installListener(port);
    once(Nothing{});
  });
}

void VzMachine::installListener(uint32_t port) {
  [socketDevice() setSocketListener:listeners_.at(port).object.get() forPort:port];
}

void VzMachine::unlisten(uint32_t port, Reply<Nothing> reply) {
  perform<Nothing>(std::move(reply), [this, self = shared_from_this(), port](Reply<Nothing> once) {
    const auto found = listeners_.find(port);
    if (found == listeners_.end()) {
      return once(Failure::state("host port " + std::to_string(port) + " has no listener"));
    }
    [socketDevice() removeSocketListenerForPort:port];
    found->second.object.get().delegate = nil;
    [found->second.delegate.get() forget];
    listeners_.erase(found);
    once(Nothing{});
  });
}

bool VzMachine::dialled(uint32_t port, VZVirtioSocketConnection *connection) {
  const auto found = listeners_.find(port);
  if (closing_ || found == listeners_.end()) return false;
  const auto kept = keep(connection);
  const auto *ours = std::get_if<Connection>(&kept);
  if (!ours) return false;
  if (found->second.accept(*ours)) return true;
  // Refused: the framework closes what nobody retains.
  connections_.erase(ours->id);
  return false;
}

void VzMachine::release(uint32_t id) {
  later([this, self = shared_from_this(), id] {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    [found->second.get() close];
    connections_.erase(found);
  });
}

void VzMachine::closeConnections(bool cutOff) {
  const auto ending = std::move(connections_);
  connections_.clear();
  for (const auto &[id, connection] : ending) {
    // Our duplicates would keep it open: whoever reads one must see its end.
    if (cutOff) ::shutdown(connection.get().fileDescriptor, SHUT_RDWR);
    [connection.get() close];
  }
}

}  // namespace vzshell
