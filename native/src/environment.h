// All that the addon keeps for one Node environment (the main thread, or a worker). No globals: a process may load the addon
// several times, and each environment goes down on its own.
#pragma once

#include <napi.h>

#include <map>
#include <memory>
#include <set>

#include "backend.h"
#include "deadlines.h"
#include "error_value.h"
#include "loop.h"

namespace vzshell {

class MachineObject;

class Environment {
 public:
  /** Makes the environment's, with the hook that ends it. Null with an exception pending. */
  static Environment *open(Napi::Env env);
  static Environment &of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

  /**
   * A promise for a call of the backend. It settles when the reply comes; while it waits the process does not end. `toValue`
   * runs on the loop.
   */
  template <class T>
  Napi::Value promise(Napi::Env env, std::function<Napi::Value(Napi::Env, T &)> toValue,
                      const std::function<void(Reply<T>)> &call) {
    const uint64_t id = ++lastPromise_;
    const auto deferred = Napi::Promise::Deferred::New(env);
    promises_.emplace(id, deferred);
    loop->hold(env);
    call([loop = this->loop, id, toValue](Result<T> result) {
      // Shared: a descriptor in the result is closed when the loop is gone and drops this.
      auto shared = std::make_shared<Result<T>>(std::move(result));
      loop->post([id, toValue, shared](Napi::Env env) {
        Environment &self = of(env);
        if (const Failure *failure = failureOf(*shared)) {
          self.settle(env, id, false, errorValue(env, *failure));
        } else {
          self.settle(env, id, true, toValue(env, std::get<T>(*shared)));
        }
      });
    });
    return deferred.Promise();
  }

  /** A promise for a call that yields nothing. */
  Napi::Value promise(Napi::Env env, const std::function<void(Reply<Nothing>)> &call);
  /** A promise that is rejected already. */
  Napi::Value rejected(Napi::Env env, const Failure &failure);

  std::shared_ptr<Loop> loop;
  std::shared_ptr<Deadlines> deadlines = std::make_shared<Deadlines>();
  /** All that are not closed; ended with the environment. */
  std::set<MachineObject *> machines;

 private:
  void settle(Napi::Env env, uint64_t promise, bool good, Napi::Value value);
  void end();

  std::map<uint64_t, Napi::Promise::Deferred> promises_;
  uint64_t lastPromise_ = 0;
};

}  // namespace vzshell
