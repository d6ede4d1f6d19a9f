// `Machine` of the addon's exports: reads and checks arguments, and hands the call to the backend. It knows Node, and nothing of
// the framework.
#pragma once

#include <napi.h>

#include <memory>

#include "backend.h"
#include "environment.h"
#include "reader.h"
#include "vsock_server.h"

namespace vzshell {

/** One argument of a call, under the name that its errors have. */
inline Reader argument(Reading &reading, const Napi::CallbackInfo &info, size_t index, const char *name) {
  return Reader(reading, info[index], name);
}

/** A connection as JavaScript gets it: the descriptor is the caller's from now on. */
Napi::Object connectionValue(Napi::Env env, Connection &connection);

class MachineObject : public Napi::ObjectWrap<MachineObject> {
 public:
  static Napi::Function define(Napi::Env env);

  explicit MachineObject(const Napi::CallbackInfo &info);
  ~MachineObject() override;

  /** The environment is going: ends the machine at once. */
  void environmentEnds();

 private:
  Napi::Value getState(const Napi::CallbackInfo &info);
  Napi::Value identity(const Napi::CallbackInfo &info);
  template <void (Machine::*verb)(Reply<Nothing>)>
  Napi::Value simple(const Napi::CallbackInfo &info);
  template <void (Machine::*verb)(std::string, Reply<Nothing>)>
  Napi::Value withPath(const Napi::CallbackInfo &info);
  Napi::Value validateSaveRestore(const Napi::CallbackInfo &info);
  Napi::Value connect(const Napi::CallbackInfo &info);
  Napi::Value listen(const Napi::CallbackInfo &info);
  Napi::Value unlisten(const Napi::CallbackInfo &info);
  Napi::Value release(const Napi::CallbackInfo &info);
  Napi::Value serve(const Napi::CallbackInfo &info);
  Napi::Value setShare(const Napi::CallbackInfo &info);
  Napi::Value setNetwork(const Napi::CallbackInfo &info);
  Napi::Value balloon(const Napi::CallbackInfo &info);
  Napi::Value setBalloon(const Napi::CallbackInfo &info);
  Napi::Value attachUsb(const Napi::CallbackInfo &info);
  Napi::Value detachUsb(const Napi::CallbackInfo &info);
  Napi::Value close(const Napi::CallbackInfo &info);

  /** Makes a promise for a call of the backend, or one that is rejected because of the arguments or of `close`. */
  template <class T>
  Napi::Value call(Napi::Env env, Reading &reading, std::function<Napi::Value(Napi::Env, T &)> toValue,
                   const std::function<void(Reply<T>)> &work);
  Napi::Value call(Napi::Env env, Reading &reading, const std::function<void(Reply<Nothing>)> &work);

  void deliver(Napi::Env env, const Event &event);
  void deliverDialled(Napi::Env env, uint32_t port, Connection &connection);
  void emit(Napi::Env env, Napi::Object event);
  /** A machine that runs keeps its object, and the process, alive. */
  void keepWhile(Napi::Env env, bool running);
  /** After `close`: nothing finds this object any more. */
  void forget(Napi::Env env);

  /** How events find this object, and see that it is gone. Touched on the loop only. */
  std::shared_ptr<MachineObject *> self_;
  std::shared_ptr<Machine> machine_;
  std::shared_ptr<VsockServer> server_;
  Napi::FunctionReference onEvent_;
  /** What `close` gave, for the next one who asks. */
  Napi::ObjectReference closing_;
  bool kept_ = false;
  bool closed_ = false;
  /** Whether the environment knows this object. */
  bool known_ = false;
};

template <class T>
Napi::Value MachineObject::call(Napi::Env env, Reading &reading, std::function<Napi::Value(Napi::Env, T &)> toValue,
                                const std::function<void(Reply<T>)> &work) {
  if (env.IsExceptionPending()) return env.Undefined();
  Environment &environment = Environment::of(env);
  if (reading.failure) return environment.rejected(env, *reading.failure);
  if (closed_) return environment.rejected(env, Failure::closed());
  // The object lives until the reply: a collected one would close its machine under the call.
  Ref();
  return environment.promise<T>(
      env,
      toValue,
      [&](Reply<T> reply) {
        work([self = self_, loop = environment.loop, keep = this, reply = std::move(reply)](Result<T> result) {
          reply(std::move(result));
          loop->post([keep](Napi::Env) { keep->Unref(); });
        });
      });
}

}  // namespace vzshell
