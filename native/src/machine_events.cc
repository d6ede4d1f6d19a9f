// How a machine ends, and what it tells.

#include "machine_object.h"

namespace vzshell {

namespace {

Napi::Object typed(Napi::Env env, const char *type) {
  const Napi::Object event = Napi::Object::New(env);
  event.Set("type", Napi::String::New(env, type));
  return event;
}

Napi::Number number(Napi::Env env, size_t value) { return Napi::Number::New(env, static_cast<double>(value)); }

struct ToValue {
  Napi::Env env;

  Napi::Object operator()(const StateEvent &event) const {
    const Napi::Object value = typed(env, "state");
    value.Set("state", Napi::String::New(env, nameOf(event.state)));
    return value;
  }
  Napi::Object operator()(const StoppedEvent &event) const {
    const Napi::Object value = typed(env, "stopped");
    value.Set("error", errorOrNull(env, event.error));
    return value;
  }
  Napi::Object operator()(const NetworkLostEvent &event) const {
    const Napi::Object value = typed(env, "network-lost");
    value.Set("index", number(env, event.index));
    value.Set("error", errorValue(env, event.error));
    return value;
  }
  Napi::Object operator()(const NbdEvent &event) const {
    const Napi::Object value = typed(env, "nbd");
    value.Set("index", number(env, event.index));
    value.Set("error", errorOrNull(env, event.error));
    return value;
  }
  Napi::Object operator()(const ConsolePortEvent &event) const {
    const Napi::Object value = typed(env, "console-port");
    value.Set("console", number(env, event.console));
    value.Set("port", number(env, event.port));
    value.Set("open", Napi::Boolean::New(env, event.open));
    return value;
  }
};

}  // namespace

const char *nameOf(State state) {
  static const char *const names[] = {"stopped",  "running",  "paused",   "error",  "starting",
                                      "pausing", "resuming", "stopping", "saving", "restoring"};
  return names[static_cast<size_t>(state)];
}

void MachineObject::deliver(Napi::Env env, const Event &event) {
  if (const auto *change = std::get_if<StateEvent>(&event)) {
    keepWhile(env, change->state != State::stopped && change->state != State::error);
  }
  emit(env, std::visit(ToValue{env}, event));
}

void MachineObject::deliverDialled(Napi::Env env, uint32_t port, Connection &connection) {
  const Napi::Object value = typed(env, "vsock");
  value.Set("port", Napi::Number::New(env, port));
  value.Set("connection", connectionValue(env, connection));
  emit(env, value);
}

void MachineObject::emit(Napi::Env env, Napi::Object event) {
  if (!env.IsExceptionPending() && !onEvent_.IsEmpty()) onEvent_.Call({event});
}

Napi::Value MachineObject::close(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  if (closed_) return closing_.Value();
  closed_ = true;
  *self_ = nullptr;
  if (server_) server_->stop();
  Ref();
  Environment &environment = Environment::of(env);
  const Napi::Value promise = environment.promise<Nothing>(
      env,
      [this](Napi::Env e, Nothing &) {
        forget(e);
        Unref();
        return e.Undefined();
      },
      [this](Reply<Nothing> reply) { machine_->close(std::move(reply)); });
  closing_ = Napi::Persistent(promise.As<Napi::Object>());
  return promise;
}

}  // namespace vzshell
