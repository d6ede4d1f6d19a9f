// What the callbacks of a machine may hold: never the machine itself, or one that was dropped would not end.
#pragma once
#include "lookalike.h"
#include "helper.h"
#include <atomic>
#include <mutex>
#include <set>

namespace vzl {
struct Link : std::enable_shared_from_this<Link> {
  explicit Link(dispatch_queue_t machineQueue);
  ~Link();
  Link(const Link &) = delete;

  /** Nil once it is freed. On the queue only. */
  VZVirtualMachine *machine = nil;
  dispatch_queue_t queue;
  /** A helper lives in the directory, and removes it if this process ends first. */
  std::atomic<bool> isHelped{false};
  /** Where the helper keeps its sockets and logs; empty until it is needed. Removed with the link. */
  std::string directory;
  /** The machine's vsock; what the guest dials on port P comes to `<socket>_P`. */
  std::string socket;
  /** Open descriptors of connections: they die with the machine, whoever holds them. From any thread. */
  void remember(int descriptor);
  void forget(int descriptor);
  void cutConnections();
  /** Makes the directory, if there is none. */
  void needDirectory();
  /** The directory is the caller's from now on. */
  std::string leaveDirectory();
  /** Takes another's directory instead of its own. */
  void takeDirectory(const std::string &path);

private:
  std::mutex mutex;
  std::set<int> connections;
};
using LinkP = std::shared_ptr<Link>;

/** Its files and itself. */
void removeDirectory(const std::string &path);
/** The links that live, for control.mm. */
void remember(Link *link);
void forget(Link *link);
}

/** Methods of the machine for the look-alike's other files. */
@interface VZVirtualMachine (VZLookalike)
/** A line from the helper. */
- (void)vzlEvent:(NSDictionary *)event;
/** The helper's exit: the machine's end. */
- (void)vzlGone:(int)status;
- (void)vzlBecome:(VZVirtualMachineState)state;
/** Calls back on the queue, later, with an error for an operation that the state does not allow. */
- (void)vzlRefuse:(VZLDone)handler;
/** One operation at a time: its handler waits, and the machine stays retained until it is called. */
- (void)vzlBegin:(VZVirtualMachineState)state handler:(VZLDone)handler;
- (void)vzlFinish:(NSError *)error;
- (void)vzlFailStart:(NSError *)error;
/** What a running machine was told to suffer (VZ_LOOKALIKE_FAULT). */
- (void)vzlSufferFaults;
- (void)vzlSend:(NSDictionary *)command;
/** What the helper's callbacks do, for as long as the machine is there. */
- (vzl::OnLine)vzlOnLine;
- (vzl::OnGone)vzlOnGone;
/** Puts the paused process of a saved machine aside. */
- (void)vzlPark;
/** The guest runs on: what was saved is no longer kept by its process. */
- (void)vzlSpoilSaved;
- (void)vzlForgetSaved;
/** The framework's run-time devices, made from the configuration. */
- (void)vzlMakeDevices;
@end

@interface VZVirtioSocketDevice (VZLookalike)
/** The machine's directory is another one: listeners go there. */
- (void)vzlMoveListeners;
- (void)vzlAccept:(int)descriptor port:(uint32_t)port;
@end
