// One VZVirtualMachine on a serial queue of its own. Every message to the framework, reads included, is sent on that queue;
// members marked so are touched nowhere else. Blocks hold the machine by a shared pointer; the framework holds it never.
#pragma once

#include <atomic>
#include <map>
#include <memory>

#include "../backend.h"
#include "calls.h"
#include "configuration.h"
#include "listener.h"
#include "observer.h"

namespace vzshell {

class VzMachine final : public Machine, public std::enable_shared_from_this<VzMachine> {
 public:
  VzMachine(Configuration configuration, std::function<void(Event)> events, std::shared_ptr<Deadlines> deadlines);
  ~VzMachine() override;
  /** Makes the framework's machine, on the queue. */
  Maybe<Failure> open();

  State state() const override { return state_; }
  const Identity &identity() const override { return configuration_.identity; }
  const Maybe<Failure> &saveObstacle() const override { return configuration_.saveObstacle; }

  void start(Reply<Nothing>) override;
  void stop(Reply<Nothing>) override;
  void requestStop(Reply<Nothing>) override;
  void pause(Reply<Nothing>) override;
  void resume(Reply<Nothing>) override;
  void save(std::string path, Reply<Nothing>) override;
  void restore(std::string path, Reply<Nothing>) override;
  void connect(uint32_t port, uint32_t timeout, Reply<Connection>) override;
  void listen(uint32_t port, Accept, Reply<Nothing>) override;
  void unlisten(uint32_t port, Reply<Nothing>) override;
  void release(uint32_t connection) override;
  void setShare(std::string tag, Share, Reply<Nothing>) override;
  void setNetwork(size_t index, Maybe<NetworkAttachment>, Reply<Nothing>) override;
  void balloon(Reply<uint64_t>) override;
  void setBalloon(uint64_t bytes, Reply<Nothing>) override;
  void attachUsb(size_t controller, UsbStorage, Reply<std::string>) override;
  void detachUsb(size_t controller, std::string uuid, Reply<Nothing>) override;
  void close(Reply<Nothing>) override;
  void closeNow() override;

  // What the framework tells, on the queue.
  void stateChanged(State state);
  void guestStopped(Maybe<Failure> error);
  void networkLost(VZNetworkDevice *device, NSError *error);
  void diskChanged(size_t index, NSError *error);
  void consolePortChanged(VZVirtioConsoleDevice *device, VZVirtioConsolePort *port, bool open);
  bool dialled(uint32_t port, VZVirtioSocketConnection *connection);

 private:
  /**
   * Runs work on the queue, with a reply that comes at most once. An exception of the framework becomes the reply. Work takes its
   * reply by value: a block captures a reference as a reference, which is gone when the framework calls it.
   */
  template <class T, class Work>
  void perform(Reply<T> reply, Work work);
  /** Runs work on the queue that owes nobody a reply. */
  template <class Work>
  void later(Work work);

  Failure wrongState(const char *verb) const;
  VZVirtioSocketDevice *socketDevice() const;
  Result<Connection> keep(VZVirtioSocketConnection *connection);
  void installListener(uint32_t port);
  void closeConnections(bool cutOff);
  void advanceClosing();
  void observe();
  void teardown();

  const Configuration configuration_;
  const std::shared_ptr<Deadlines> deadlines_;
  dispatch_queue_t queue_;
  std::atomic<State> state_{State::stopped};

  // On the queue only.
  std::function<void(Event)> events_;
  Retained<VZVirtualMachine *> vm_;
  Retained<VzsObserver *> observer_;
  std::vector<Retained<NSObject *>> diskObservers_;
  std::shared_ptr<Calls> calls_ = std::make_shared<Calls>();
  std::map<uint32_t, Retained<VZVirtioSocketConnection *>> connections_;
  uint32_t lastConnection_ = 0;
  struct Listener {
    Retained<VZVirtioSocketListener *> object;
    Retained<VzsListener *> delegate;
    Accept accept;
  };
  std::map<uint32_t, Listener> listeners_;
  /** Our own `stop` is under way or done: the end that follows is no event. */
  bool stopping_ = false;
  bool closing_ = false;
  bool closingStop_ = false;
  std::vector<Reply<Nothing>> closed_;
  uint64_t closeDeadline_ = 0;
};

template <class T, class Work>
void VzMachine::perform(Reply<T> reply, Work work) {
  const auto self = shared_from_this();
  dispatch_async(queue_, ^{
    @autoreleasepool {
      const Reply<T> once = self->calls_->owe(reply);
      if (!self->vm_ || self->closing_) {
        once(Failure::closed());
        return;
      }
      @try {
        work(once);
      } @catch (NSException *exception) {
        once(failureFrom(exception));
      }
    }
  });
}

template <class Work>
void VzMachine::later(Work work) {
  const auto self = shared_from_this();
  dispatch_async(queue_, ^{
    @autoreleasepool {
      @try {
        (void)self;
        work();
      } @catch (NSException *exception) {
        // Nobody waits for this work; the machine's end, or its next call, will tell what is wrong.
        NSLog(@"vzshell: %@: %@", [exception name], [exception reason]);
      }
    }
  });
}

}  // namespace vzshell
