#include "deadlines.h"

#include <algorithm>

#include "signals.h"

namespace vzshell {

Deadlines::~Deadlines() { stop(); }

uint64_t Deadlines::add(uint32_t milliseconds, std::function<void()> expired) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return 0;
  const uint64_t deadline = ++last_;
  waiting_[deadline] = {Clock::now() + std::chrono::milliseconds(milliseconds), std::move(expired)};
  if (!thread_.joinable()) {
    const SignalsBlocked blocked;
    thread_ = std::thread([this] { run(); });
  }
  changed_.notify_one();
  return deadline;
}

void Deadlines::cancel(uint64_t deadline) {
  // The entry dies outside the lock: what it captured may call back into this object.
  std::map<uint64_t, Entry>::node_type taken;
  const std::lock_guard lock(mutex_);
  taken = waiting_.extract(deadline);
}

void Deadlines::stop() {
  std::map<uint64_t, Entry> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    dropped.swap(waiting_);
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Deadlines::run() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    const auto next = std::min_element(waiting_.begin(), waiting_.end(),
                                       [](const auto &a, const auto &b) { return a.second.when < b.second.when; });
    if (next == waiting_.end()) {
      changed_.wait(lock);
      continue;
    }
    if (next->second.when > Clock::now()) {
      const auto when = next->second.when;
      changed_.wait_until(lock, when);
      continue;
    }
    auto entry = waiting_.extract(next);
    lock.unlock();
    entry.mapped().expired();
    entry = {};
    lock.lock();
  }
}

}  // namespace vzshell
