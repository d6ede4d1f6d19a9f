#include "environment.h"

#include "machine_object.h"

namespace vzshell {

Environment *Environment::open(Napi::Env env) {
  auto *self = new Environment();
  self->loop = Loop::open(env);
  if (!self->loop) {
    delete self;
    Napi::Error::New(env, "cannot reach this thread's event loop").ThrowAsJavaScriptException();
    return nullptr;
  }
  env.SetInstanceData(self);
  // Cleanup hooks run before finalizers, so every object that `end` touches is still there.
  env.AddCleanupHook([self] { self->end(); });
  return self;
}

void Environment::end() {
  // First the way to JavaScript, then what uses it: nothing can be posted to a loop that is going.
  loop->close();
  const std::set<MachineObject *> ending = std::move(machines);
  machines.clear();
  for (MachineObject *machine : ending) machine->environmentEnds();
  deadlines->stop();
  promises_.clear();
}

Napi::Value Environment::promise(Napi::Env env, const std::function<void(Reply<Nothing>)> &call) {
  return promise<Nothing>(env, [](Napi::Env e, Nothing &) { return e.Undefined(); }, call);
}

Napi::Value Environment::rejected(Napi::Env env, const Failure &failure) {
  const auto deferred = Napi::Promise::Deferred::New(env);
  deferred.Reject(errorValue(env, failure));
  return deferred.Promise();
}

void Environment::settle(Napi::Env env, uint64_t promise, bool good, Napi::Value value) {
  const auto found = promises_.find(promise);
  if (found == promises_.end()) return;
  const Napi::Promise::Deferred deferred = found->second;
  promises_.erase(found);
  loop->letGo(env);
  if (good) {
    deferred.Resolve(value);
  } else {
    deferred.Reject(value);
  }
}

}  // namespace vzshell
