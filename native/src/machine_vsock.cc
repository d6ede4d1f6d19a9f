// vsock of a `Machine`: connections as descriptors for Node, and the served socket.

#include "machine_object.h"
#include "read_config.h"

namespace vzshell {

namespace {

constexpr uint64_t kMaxPort = 0xfffffffe;  // 0xffffffff is VMADDR_PORT_ANY

uint32_t portArgument(Reading &reading, const Napi::CallbackInfo &info) {
  return static_cast<uint32_t>(argument(reading, info, 0, "port").number(1, kMaxPort));
}

}  // namespace

Napi::Object connectionValue(Napi::Env env, Connection &connection) {
  const Napi::Object value = Napi::Object::New(env);
  value.Set("fd", Napi::Number::New(env, connection.socket->release()));
  value.Set("id", Napi::Number::New(env, connection.id));
  value.Set("sourcePort", Napi::Number::New(env, connection.sourcePort));
  return value;
}

Napi::Value MachineObject::connect(const Napi::CallbackInfo &info) {
  Reading reading{info.Env(), {}};
  const uint32_t port = portArgument(reading, info);
  const auto timeout = static_cast<uint32_t>(argument(reading, info, 1, "timeout").number(1, INT32_MAX));
  return call<Connection>(info.Env(), reading, connectionValue,
                          [&](Reply<Connection> reply) { machine_->connect(port, timeout, std::move(reply)); });
}

Napi::Value MachineObject::listen(const Napi::CallbackInfo &info) {
  Reading reading{info.Env(), {}};
  const uint32_t port = portArgument(reading, info);
  Accept accept = [self = self_, loop = Environment::of(info.Env()).loop, port](Connection connection) {
    return loop->post([self, port, connection](Napi::Env env) mutable {
      // Nobody left to take it: the descriptor closes here, the framework's side with the machine.
      if (*self) (*self)->deliverDialled(env, port, connection);
    });
  };
  return call(info.Env(), reading,
              [&](Reply<Nothing> reply) { machine_->listen(port, std::move(accept), std::move(reply)); });
}

Napi::Value MachineObject::unlisten(const Napi::CallbackInfo &info) {
  Reading reading{info.Env(), {}};
  const uint32_t port = portArgument(reading, info);
  return call(info.Env(), reading, [&](Reply<Nothing> reply) { machine_->unlisten(port, std::move(reply)); });
}

Napi::Value MachineObject::release(const Napi::CallbackInfo &info) {
  Reading reading{info.Env(), {}};
  const auto id = static_cast<uint32_t>(argument(reading, info, 0, "id").number(1, UINT32_MAX));
  if (reading.failure) {
    throwFailure(info.Env(), *reading.failure);
  } else if (!closed_ && !reading.failed()) {
    machine_->release(id);
  }
  return info.Env().Undefined();
}

Napi::Value MachineObject::serve(const Napi::CallbackInfo &info) {
  Reading reading{info.Env(), {}};
  const std::string path = argument(reading, info, 0, "path").file();
  std::vector<uint32_t> ports;
  argument(reading, info, 1, "ports").each(64, [&](const Reader &port) {
    ports.push_back(static_cast<uint32_t>(port.number(1, kMaxPort)));
  });
  if (server_ && !server_->stopped()) reading.fail(Failure::state("the machine is served already"));
  return call(info.Env(), reading, [&](Reply<Nothing> reply) {
    auto server = VsockServer::start(path, machine_);
    if (const Failure *failure = failureOf(server)) return reply(*failure);
    server_ = std::get<std::shared_ptr<VsockServer>>(server);
    server_->listen(ports, std::move(reply));
  });
}

}  // namespace vzshell
