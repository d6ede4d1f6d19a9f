// What tests reach through control.cc: faults at a chosen moment, and mistakes that must end the process.

#include "link.h"
#include <mutex>
#include <set>
#include <vector>

#define VZL_EXPORTED extern "C" __attribute__((visibility("default")))

// Never destroyed: threads make and drop machines while the process ends.
static std::mutex &mutex = *new std::mutex;
static std::set<vzl::Link *> &alive = *new std::set<vzl::Link *>;

/** The directories of machines that nobody let go of, but for those of helpers. */
static void removeAtExit() {
  std::lock_guard<std::mutex> lock(mutex);
  for (vzl::Link *link : alive) {
    if (!link->isHelped && !link->directory.empty()) vzl::removeDirectory(link->directory);
  }
}

void vzl::remember(Link *link) {
  static int registered = atexit(removeAtExit);
  (void)registered;
  std::lock_guard<std::mutex> lock(mutex);
  alive.insert(link);
}

void vzl::forget(Link *link) {
  std::lock_guard<std::mutex> lock(mutex);
  alive.erase(link);
}

/** Links that live now, kept alive meanwhile. */
static std::vector<vzl::LinkP> machines() {
  std::lock_guard<std::mutex> lock(mutex);
  std::vector<vzl::LinkP> found;
  for (vzl::Link *link : alive) {
    if (vzl::LinkP kept = link->weak_from_this().lock()) found.push_back(kept);
  }
  return found;
}

/** Null: those of the environment again. */
VZL_EXPORTED void vzl_set_faults(const char *names) {
  vzlSetFaults(names);
  if (names == nullptr) vzlReadFaults();
}

/** Every running machine suffers the present faults now: an end with an error, a lost network, a lost disk, opened ports. */
VZL_EXPORTED void vzl_suffer(void) {
  for (const vzl::LinkP &link : machines()) {
    dispatch_async(link->queue, ^{
      if (link->machine != nil && link->machine->_state == VZVirtualMachineStateRunning) [link->machine vzlSufferFaults];
    });
  }
}

/** Asks a machine for its state from the wrong thread: the process aborts. */
VZL_EXPORTED void vzl_off_queue(void) {
  for (const vzl::LinkP &link : machines()) (void)[link->machine state];
}

/** An exception that nobody catches, on a queue: the process aborts. */
VZL_EXPORTED void vzl_raise(void) {
  dispatch_queue_t queue = dispatch_queue_create("look-alike.raise", DISPATCH_QUEUE_SERIAL);
  dispatch_async(queue, ^{
    [NSException raise:NSGenericException format:@"raised on a queue"];
  });
}
