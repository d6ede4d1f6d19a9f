// The exports of `vz.node`: see src/driver/vz/binding.ts.

#include <napi.h>

#include "environment.h"
#include "file_lock.h"
#include "machine_object.h"
#include "reader.h"

namespace vzshell {

namespace {

constexpr int kContract = 1;

Napi::Value textOrNull(Napi::Env env, const Maybe<std::string> &text) {
  return text ? Napi::Value(Napi::String::New(env, *text)) : env.Null();
}

Napi::Value capabilitiesValue(Napi::Env env, const Capabilities &found) {
  const Napi::Object value = Napi::Object::New(env);
  value.Set("macos", Napi::String::New(env, found.macos));
  value.Set("arch", Napi::String::New(env, found.arch));
  value.Set("supported", Napi::Boolean::New(env, found.supported));
  value.Set("entitled", Napi::Boolean::New(env, found.entitled));
  value.Set("bridgedEntitled", Napi::Boolean::New(env, found.bridgedEntitled));
  const Napi::Object limits = Napi::Object::New(env);
  limits.Set("minCpus", Napi::Number::New(env, found.minCpus));
  limits.Set("maxCpus", Napi::Number::New(env, found.maxCpus));
  limits.Set("minMemory", Napi::Number::New(env, static_cast<double>(found.minMemory)));
  limits.Set("maxMemory", Napi::Number::New(env, static_cast<double>(found.maxMemory)));
  value.Set("limits", limits);
  value.Set("rosetta", Napi::String::New(env, found.rosetta));
  const Napi::Array interfaces = Napi::Array::New(env);
  for (uint32_t i = 0; i < found.bridgedInterfaces.size(); i++) {
    const Napi::Object each = Napi::Object::New(env);
    each.Set("identifier", Napi::String::New(env, found.bridgedInterfaces[i].first));
    each.Set("name", textOrNull(env, found.bridgedInterfaces[i].second));
    interfaces.Set(i, each);
  }
  value.Set("bridgedInterfaces", interfaces);
  const Napi::Array features = Napi::Array::New(env);
  for (uint32_t i = 0; i < found.features.size(); i++) {
    const Napi::Object each = Napi::Object::New(env);
    each.Set("name", Napi::String::New(env, found.features[i].name));
    each.Set("available", Napi::Boolean::New(env, !found.features[i].why));
    each.Set("why", textOrNull(env, found.features[i].why));
    features.Set(i, each);
  }
  value.Set("features", features);
  return value;
}

Napi::Value capabilitiesExport(const Napi::CallbackInfo &info) {
  const auto found = capabilities();
  if (const Failure *failure = failureOf(found)) {
    throwFailure(info.Env(), *failure);
    return info.Env().Undefined();
  }
  return capabilitiesValue(info.Env(), std::get<Capabilities>(found));
}

Napi::Value installRosettaExport(const Napi::CallbackInfo &info) {
  return Environment::of(info.Env()).promise(info.Env(), [](Reply<Nothing> reply) { installRosetta(std::move(reply)); });
}

Napi::Value lockExport(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  Reading reading{env, {}};
  const std::string path = Reader(reading, info[0], "path").file();
  const auto wait = static_cast<uint32_t>(Reader(reading, info[1], "wait").number(0, INT32_MAX));
  if (env.IsExceptionPending()) return env.Undefined();
  Environment &environment = Environment::of(env);
  if (reading.failure) return environment.rejected(env, *reading.failure);
  return environment.promise<Lock>(
      env, [](Napi::Env e, Lock &lock) { return lock ? Napi::Value(Napi::Number::New(e, lock->release())) : e.Null(); },
      [&](Reply<Lock> reply) { lockFile(path, wait, *environment.deadlines, std::move(reply)); });
}

Napi::Value pipeExport(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  auto made = makePipe();
  if (const Failure *failure = failureOf(made)) {
    throwFailure(env, *failure);
    return env.Undefined();
  }
  Pipe &pipe = std::get<Pipe>(made);
  const Napi::Object value = Napi::Object::New(env);
  value.Set("read", Napi::Number::New(env, pipe.read.release()));
  value.Set("write", Napi::Number::New(env, pipe.write.release()));
  return value;
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  if (!Environment::open(env)) return exports;
  exports.Set("contract", Napi::Number::New(env, kContract));
  exports.Set("Machine", MachineObject::define(env));
  exports.Set("capabilities", Napi::Function::New<capabilitiesExport>(env, "capabilities"));
  exports.Set("installRosetta", Napi::Function::New<installRosettaExport>(env, "installRosetta"));
  exports.Set("lock", Napi::Function::New<lockExport>(env, "lock"));
  exports.Set("pipe", Napi::Function::New<pipeExport>(env, "pipe"));
  return exports;
}

}  // namespace

NODE_API_MODULE(vz, init)

}  // namespace vzshell
