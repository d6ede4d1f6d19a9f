#include "machine_object.h"

#include "environment.h"
#include "read_config.h"

namespace vzshell {

namespace {

/** Marks objects of ours: V8 checks the receiver of methods, but not of accessors. */
constexpr napi_type_tag kTag = {0x7a9f3c0e51d24b68, 0xa1c6e20f8b7d4935};

size_t indexArgument(Reading &reading, const Napi::CallbackInfo &info, const char *name) {
  return static_cast<size_t>(argument(reading, info, 0, name).number(0, UINT32_MAX));
}

}  // namespace

Napi::Function MachineObject::define(Napi::Env env) {
  using Self = MachineObject;
  return DefineClass(env, "Machine",
                     {
                         InstanceAccessor<&Self::getState>("state"),
                         InstanceMethod<&Self::identity>("identity"),
                         InstanceMethod<&Self::simple<&Machine::start>>("start"),
                         InstanceMethod<&Self::simple<&Machine::stop>>("stop"),
                         InstanceMethod<&Self::simple<&Machine::requestStop>>("requestStop"),
                         InstanceMethod<&Self::simple<&Machine::pause>>("pause"),
                         InstanceMethod<&Self::simple<&Machine::resume>>("resume"),
                         InstanceMethod<&Self::validateSaveRestore>("validateSaveRestore"),
                         InstanceMethod<&Self::withPath<&Machine::save>>("save"),
                         InstanceMethod<&Self::withPath<&Machine::restore>>("restore"),
                         InstanceMethod<&Self::connect>("connect"),
                         InstanceMethod<&Self::listen>("listen"),
                         InstanceMethod<&Self::unlisten>("unlisten"),
                         InstanceMethod<&Self::release>("release"),
                         InstanceMethod<&Self::serve>("serve"),
                         InstanceMethod<&Self::setShare>("setShare"),
                         InstanceMethod<&Self::setNetwork>("setNetwork"),
                         InstanceMethod<&Self::balloon>("balloon"),
                         InstanceMethod<&Self::setBalloon>("setBalloon"),
                         InstanceMethod<&Self::attachUsb>("attachUsb"),
                         InstanceMethod<&Self::detachUsb>("detachUsb"),
                         InstanceMethod<&Self::close>("close"),
                     });
}

MachineObject::MachineObject(const Napi::CallbackInfo &info)
    : Napi::ObjectWrap<MachineObject>(info), self_(std::make_shared<MachineObject *>(this)) {
  const Napi::Env env = info.Env();
  Environment &environment = Environment::of(env);
  info.This().As<Napi::Object>().TypeTag(&kTag);
  Reading reading{env, {}};
  if (!info[1].IsFunction()) reading.fail(Failure::invalid("onEvent", "expected a function"));
  const Config config = readConfig(argument(reading, info, 0, ""));
  if (reading.failure) throwFailure(env, *reading.failure);
  if (env.IsExceptionPending()) return;

  // The pointer crosses threads inside the closure, but only the loop reads what it points to.
  auto events = [self = self_, loop = environment.loop](Event event) {
    loop->post([self, event = std::move(event)](Napi::Env e) {
      if (*self) (*self)->deliver(e, event);
    });
  };
  auto made = makeMachine(config, std::move(events), environment.deadlines);
  if (const Failure *failure = failureOf(made)) {
    throwFailure(env, *failure);
    return;
  }
  machine_ = std::get<std::shared_ptr<Machine>>(std::move(made));
  onEvent_ = Napi::Persistent(info[1].As<Napi::Function>());
  environment.machines.insert(this);
  known_ = true;
}

MachineObject::~MachineObject() {
  *self_ = nullptr;
  if (!known_) return;
  // Collected without `close`: nothing runs (`keepWhile`), so only objects are to be released.
  Environment::of(Env()).machines.erase(this);
  if (server_) server_->stop();
  machine_->close([](const Result<Nothing> &) {});
}

void MachineObject::environmentEnds() {
  *self_ = nullptr;
  closed_ = true;
  known_ = false;
  if (server_) server_->stop();
  machine_->closeNow();
  machine_.reset();
  onEvent_.Reset();
}

void MachineObject::keepWhile(Napi::Env env, bool running) {
  if (running == kept_) return;
  kept_ = running;
  Environment &environment = Environment::of(env);
  if (running) {
    Ref();
    environment.loop->hold(env);
  } else {
    environment.loop->letGo(env);
    Unref();
  }
}

void MachineObject::forget(Napi::Env env) {
  Environment::of(env).machines.erase(this);
  known_ = false;
  machine_.reset();
  server_.reset();
  onEvent_.Reset();
  keepWhile(env, false);
}

Napi::Value MachineObject::call(Napi::Env env, Reading &reading, const std::function<void(Reply<Nothing>)> &work) {
  return call<Nothing>(env, reading, [](Napi::Env e, Nothing &) { return e.Undefined(); }, work);
}

template <void (Machine::*verb)(Reply<Nothing>)>
Napi::Value MachineObject::simple(const Napi::CallbackInfo &info) {
  Reading reading{info.Env(), {}};
  return call(info.Env(), reading, [&](Reply<Nothing> reply) { (machine_.get()->*verb)(std::move(reply)); });
}

template <void (Machine::*verb)(std::string, Reply<Nothing>)>
Napi::Value MachineObject::withPath(const Napi::CallbackInfo &info) {
  Reading reading{info.Env(), {}};
  const std::string path = argument(reading, info, 0, "path").file();
  return call(info.Env(), reading, [&](Reply<Nothing> reply) { (machine_.get()->*verb)(path, std::move(reply)); });
}

Napi::Value MachineObject::getState(const Napi::CallbackInfo &info) {
  // Before any member is touched: `this` may be the object of another addon.
  if (!info.This().As<Napi::Object>().CheckTypeTag(&kTag)) {
    Napi::TypeError::New(info.Env(), "state is asked of something that is no Machine").ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  return Napi::String::New(info.Env(), machine_ ? nameOf(machine_->state()) : "stopped");
}

Napi::Value MachineObject::identity(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  if (!machine_) {
    throwFailure(env, Failure::closed());
    return env.Undefined();
  }
  const Identity &identity = machine_->identity();
  const Napi::Object value = Napi::Object::New(env);
  value.Set("machineIdentifier", Napi::String::New(env, identity.machineIdentifier));
  const Napi::Array macs = Napi::Array::New(env, identity.macs.size());
  for (uint32_t i = 0; i < identity.macs.size(); i++) macs.Set(i, Napi::String::New(env, identity.macs[i]));
  value.Set("macs", macs);
  return value;
}

Napi::Value MachineObject::validateSaveRestore(const Napi::CallbackInfo &info) {
  if (closed_) {
    throwFailure(info.Env(), Failure::closed());
  } else if (const Maybe<Failure> &obstacle = machine_->saveObstacle()) {
    throwFailure(info.Env(), *obstacle);
  }
  return info.Env().Undefined();
}

Napi::Value MachineObject::setShare(const Napi::CallbackInfo &info) {
  Reading reading{info.Env(), {}};
  const std::string tag = argument(reading, info, 0, "tag").text();
  const Share share = readShare(argument(reading, info, 1, "share"));
  return call(info.Env(), reading, [&](Reply<Nothing> reply) { machine_->setShare(tag, share, std::move(reply)); });
}

Napi::Value MachineObject::setNetwork(const Napi::CallbackInfo &info) {
  Reading reading{info.Env(), {}};
  const size_t index = indexArgument(reading, info, "index");
  const auto attachment = argument(reading, info, 1, "attachment").maybe(readNetworkAttachment);
  return call(info.Env(), reading,
              [&](Reply<Nothing> reply) { machine_->setNetwork(index, attachment, std::move(reply)); });
}

Napi::Value MachineObject::balloon(const Napi::CallbackInfo &info) {
  Reading reading{info.Env(), {}};
  return call<uint64_t>(
      info.Env(), reading,
      [](Napi::Env env, uint64_t &bytes) { return Napi::Number::New(env, static_cast<double>(bytes)); },
      [&](Reply<uint64_t> reply) { machine_->balloon(std::move(reply)); });
}

Napi::Value MachineObject::setBalloon(const Napi::CallbackInfo &info) {
  Reading reading{info.Env(), {}};
  const uint64_t bytes = argument(reading, info, 0, "bytes").number(0, uint64_t{1} << 46);
  return call(info.Env(), reading, [&](Reply<Nothing> reply) { machine_->setBalloon(bytes, std::move(reply)); });
}

Napi::Value MachineObject::attachUsb(const Napi::CallbackInfo &info) {
  Reading reading{info.Env(), {}};
  const size_t controller = indexArgument(reading, info, "controller");
  const UsbStorage device = readUsbStorage(argument(reading, info, 1, "device"));
  return call<std::string>(
      info.Env(), reading, [](Napi::Env env, std::string &uuid) { return Napi::String::New(env, uuid); },
      [&](Reply<std::string> reply) { machine_->attachUsb(controller, device, std::move(reply)); });
}

Napi::Value MachineObject::detachUsb(const Napi::CallbackInfo &info) {
  Reading reading{info.Env(), {}};
  const size_t controller = indexArgument(reading, info, "controller");
  const std::string uuid = argument(reading, info, 1, "uuid").text();
  return call(info.Env(), reading, [&](Reply<Nothing> reply) { machine_->detachUsb(controller, uuid, std::move(reply)); });
}

}  // namespace vzshell
