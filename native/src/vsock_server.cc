#include "vsock_server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "signals.h"

namespace vzshell {

namespace {

constexpr int kBacklog = 128;

/** The address of a unix socket; empty when the path is too long for one. */
Maybe<sockaddr_un> unixAddress(const std::string &path) {
  sockaddr_un address{};
  if (path.size() >= sizeof address.sun_path) return std::nullopt;
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Descriptor unixSocket() {
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  if (socket && !prepareSocket(socket.get())) return Descriptor();
  return socket;
}

}  // namespace

Result<std::shared_ptr<VsockServer>> VsockServer::start(const std::string &path, std::shared_ptr<Machine> machine) {
  const auto address = unixAddress(path);
  // What the guest dials needs `_<port>` behind it.
  if (!address || !unixAddress(path + "_4294967295")) {
    return Failure::invalid("path", "is " + std::to_string(path.size()) + " bytes long, too much for a unix socket");
  }
  Descriptor listener = unixSocket();
  const auto *bound = reinterpret_cast<const sockaddr *>(&*address);
  if (!listener || bind(listener.get(), bound, sizeof *address) < 0) return Failure::posix(errno, "cannot listen at " + path);
  if (chmod(path.c_str(), 0600) < 0 || ::listen(listener.get(), kBacklog) < 0) {
    const Failure failure = Failure::posix(errno, "cannot listen at " + path);
    unlink(path.c_str());
    return failure;
  }
  auto wake = makePipe();
  if (const Failure *failure = failureOf(wake)) {
    unlink(path.c_str());
    return *failure;
  }
  std::shared_ptr<VsockServer> server(
      new VsockServer(path, std::move(machine), std::move(listener), std::get<Pipe>(std::move(wake))));
  prepareSocket(server->wake_.read.get());
  prepareSocket(server->wake_.write.get());
  const SignalsBlocked blocked;
  server->thread_ = std::thread([raw = server.get()] { raw->run(); });
  return server;
}

VsockServer::VsockServer(std::string path, std::shared_ptr<Machine> machine, Descriptor listener, Pipe wake)
    : path_(std::move(path)), machine_(std::move(machine)), listener_(std::move(listener)), wake_(std::move(wake)) {}

VsockServer::~VsockServer() { stop(); }

void VsockServer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  (void)!::write(wake_.write.get(), "", 1);
  std::call_once(joined_, [this] {
    if (thread_.joinable()) thread_.join();
    clients_.clear();
    splices_.clear();
    posted_.clear();
    listener_.reset();
    unlink(path_.c_str());
  });
}

bool VsockServer::stopped() {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

bool VsockServer::post(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return false;
  posted_.push_back(std::move(work));
  // A full pipe wakes as well.
  (void)!::write(wake_.write.get(), "", 1);
  return true;
}

void VsockServer::runPosted() {
  char bytes[64];
  while (::read(wake_.read.get(), bytes, sizeof bytes) == sizeof bytes) continue;
  std::vector<std::function<void()>> work;
  {
    const std::lock_guard lock(mutex_);
    work.swap(posted_);
  }
  for (const auto &each : work) each();
}

void VsockServer::listen(std::vector<uint32_t> ports, Reply<Nothing> reply) {
  listenNext(std::make_shared<std::vector<uint32_t>>(std::move(ports)), std::move(reply));
}

void VsockServer::listenNext(std::shared_ptr<std::vector<uint32_t>> left, Reply<Nothing> reply) {
  if (left->empty()) return reply(Nothing{});
  const uint32_t port = left->back();
  left->pop_back();
  Accept accept = [weak = weak_from_this(), port](Connection connection) {
    const auto self = weak.lock();
    return self && self->dial(port, connection);
  };
  machine_->listen(port, std::move(accept), [self = shared_from_this(), left, reply](Result<Nothing> result) {
    if (!failureOf(result)) return self->listenNext(left, reply);
    self->stop();
    reply(std::move(result));
  });
}

bool VsockServer::dial(uint32_t port, Connection &connection) {
  const auto address = unixAddress(path_ + "_" + std::to_string(port));
  auto client = std::make_shared<Descriptor>(unixSocket());
  // A unix socket connects at once or not at all, so a queue may do it.
  if (!*client || ::connect(client->get(), reinterpret_cast<const sockaddr *>(&*address), sizeof *address) < 0) return false;
  return post([this, client, connection] { join(std::move(*client), connection, "", ""); });
}

void VsockServer::join(Descriptor client, Connection connection, const std::string &toClient, const std::string &toGuest) {
  auto done = [machine = machine_, id = connection.id] { machine->release(id); };
  splices_.emplace_back(std::move(client), std::move(*connection.socket), std::move(done));
  splices_.back().sendLeft(toClient);
  splices_.back().sendRight(toGuest);
}

}  // namespace vzshell
