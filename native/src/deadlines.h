// Calls back when a time has passed, unless cancelled before. Not dispatch_after: a block that waits there cannot be taken
// back, and would keep a closed machine's queue alive until its time.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace vzshell {

class Deadlines {
 public:
  ~Deadlines();

  /** Calls `expired` on a thread of this object's after `milliseconds`. Zero when no thread could be had or all is ending. */
  uint64_t add(uint32_t milliseconds, std::function<void()> expired);
  /** Harmless when it has expired already. */
  void cancel(uint64_t deadline);
  /** Drops what waits and ends the thread; `add` does nothing from now on. */
  void stop();

 private:
  using Clock = std::chrono::steady_clock;
  struct Entry {
    Clock::time_point when;
    std::function<void()> expired;
  };
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<uint64_t, Entry> waiting_;
  uint64_t last_ = 0;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace vzshell
