// One thread for the process that waits for descriptors. All else of it is plain C++: no Objective-C, no Node.
#pragma once
#include <functional>
#include <string>

namespace vzl {
/** Runs on the io thread, soon. From any thread. */
void ioPost(std::function<void()> work);
/** Calls `ready` on the io thread while the descriptor has something to read. On the io thread only, as `ioUnwatch`. */
void ioWatch(int descriptor, std::function<void()> ready);
void ioUnwatch(int descriptor);
/** All signals stay away from a thread that is started meanwhile: they are for Node's main thread. */
struct BlockedSignals {
  BlockedSignals();
  ~BlockedSignals();

private:
  unsigned char before[128];
};
}
