// The replies that a machine owes. Each is given once; those that the framework never gives are given when the machine closes,
// so that every promise settles. On the machine's queue only.
#pragma once

#include <map>
#include <memory>

#include "../failure.h"

namespace vzshell {

class Calls : public std::enable_shared_from_this<Calls> {
 public:
  /** A reply that passes on the first result, and drops what comes later. */
  template <class T>
  Reply<T> owe(Reply<T> reply) {
    const uint64_t id = ++last_;
    owed_[id] = [reply](const Failure &why) { reply(why); };
    return [calls = shared_from_this(), id, reply](Result<T> result) {
      if (calls->owed_.erase(id) > 0) reply(std::move(result));
    };
  }

  void failAll(const Failure &why) {
    const auto owed = std::move(owed_);
    owed_.clear();
    for (const auto &[id, fail] : owed) fail(why);
  }

 private:
  std::map<uint64_t, std::function<void(const Failure &)>> owed_;
  uint64_t last_ = 0;
};

}  // namespace vzshell
