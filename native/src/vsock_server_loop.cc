// The thread of a VsockServer: waits for all sockets at once with poll. One way on Linux and on macOS, so that what is tested is
// what ships; a machine has tens of connections, not thousands.

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "vsock_server.h"

namespace vzshell {

namespace {

/** A client sends its request at once. */
constexpr std::chrono::seconds kRequestTime{10};
/** The guest answers within this time, or the client is refused. Long: a paused guest answers when it goes on. */
constexpr uint32_t kConnectTime = 60'000;
constexpr size_t kMaxRequest = sizeof "CONNECT 4294967295\n" - 1;

/** The port of `CONNECT <port>`; zero when it is none. */
uint32_t parseRequest(const std::string &line) {
  constexpr std::string_view verb = "CONNECT ";
  if (line.compare(0, verb.size(), verb) != 0) return 0;
  uint32_t port = 0;
  const char *end = line.data() + line.size();
  const auto [rest, error] = std::from_chars(line.data() + verb.size(), end, port);
  return error == std::errc() && rest == end && port != UINT32_MAX ? port : 0;
}

int milliseconds(Splice::Clock::time_point when, Splice::Clock::time_point now) {
  if (when == Splice::Clock::time_point::max()) return -1;
  if (when <= now) return 0;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(when - now).count();
  return static_cast<int>(std::min<int64_t>(left, 60'000));
}

}  // namespace

void VsockServer::run() {
  std::vector<pollfd> waits;
  for (;;) {
    auto now = Clock::now();
    auto next = Clock::time_point::max();
    waits.clear();
    waits.push_back({wake_.read.get(), POLLIN, 0});
    const bool accepts = now >= acceptAgain_;
    waits.push_back({accepts ? listener_.get() : -1, POLLIN, 0});
    if (!accepts) next = acceptAgain_;
    for (const Client &client : clients_) {
      waits.push_back({client.socket.get(), static_cast<short>(client.connecting ? 0 : POLLIN), 0});
      next = std::min(next, client.deadline);
    }
    for (const Splice &splice : splices_) {
      for (const pollfd &wait : splice.wanted()) waits.push_back(wait);
      next = std::min(next, splice.deadline());
    }
    if (::poll(waits.data(), static_cast<nfds_t>(waits.size()), milliseconds(next, now)) < 0) continue;
    now = Clock::now();

    size_t at = 2;
    for (auto client = clients_.begin(); client != clients_.end(); at++) {
      const short events = waits[at].revents;
      bool stays = now < client->deadline;
      // While it is being connected nothing is read, so an event means that the client has gone.
      if (events) stays = !client->connecting && readRequest(*client);
      client = stays ? std::next(client) : clients_.erase(client);
    }
    for (auto splice = splices_.begin(); splice != splices_.end(); at += 2) {
      const bool stays = splice->move(waits[at], waits[at + 1], now);
      splice = stays ? std::next(splice) : splices_.erase(splice);
    }
    if (waits[1].revents) acceptClients(now);
    if (waits[0].revents) runPosted();
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
  }
}

void VsockServer::acceptClients(Clock::time_point now) {
  for (;;) {
    Descriptor socket(::accept(listener_.get(), nullptr, nullptr));
    if (!socket) {
      // Out of descriptors: the client waits in the backlog, and asking again at once would spin.
      if (errno == EMFILE || errno == ENFILE) acceptAgain_ = now + std::chrono::milliseconds(100);
      if (errno != EINTR && errno != ECONNABORTED) return;
      continue;
    }
    if (!prepareSocket(socket.get())) continue;
    clients_.push_back({++lastClient_, std::move(socket), "", "", false, now + kRequestTime});
  }
}

/** False when the client is to be dropped: it has gone, or speaks something else. */
bool VsockServer::readRequest(Client &client) {
  char bytes[4096];
  const ssize_t count = ::read(client.socket.get(), bytes, sizeof bytes);
  if (count < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  if (count == 0) return false;
  client.request.append(bytes, static_cast<size_t>(count));
  const size_t newline = client.request.find('\n');
  if (newline == std::string::npos) return client.request.size() < kMaxRequest;
  client.early = client.request.substr(newline + 1);
  client.request.resize(newline);
  const uint32_t port = parseRequest(client.request);
  if (port == 0) return false;
  connectGuest(client, port);
  return true;
}

void VsockServer::connectGuest(Client &client, uint32_t port) {
  client.connecting = true;
  client.deadline = Clock::time_point::max();
  machine_->connect(port, kConnectTime, [weak = weak_from_this(), machine = machine_, id = client.id](Result<Connection> result) {
    const auto self = weak.lock();
    const auto *connection = std::get_if<Connection>(&result);
    const uint32_t unused = connection ? connection->id : 0;
    if (self && self->post([raw = self.get(), id, result = std::move(result)] { raw->connected(id, result); })) return;
    if (unused) machine->release(unused);
  });
}

void VsockServer::connected(uint64_t id, Result<Connection> result) {
  const auto client = std::find_if(clients_.begin(), clients_.end(), [&](const Client &each) { return each.id == id; });
  auto *connection = std::get_if<Connection>(&result);
  if (client == clients_.end()) {
    if (connection) machine_->release(connection->id);
    return;
  }
  // Refused: closed without OK, as the other servers of this protocol do.
  if (connection) {
    join(std::move(client->socket), *connection, "OK " + std::to_string(connection->sourcePort) + "\n", client->early);
  }
  clients_.erase(client);
}

}  // namespace vzshell
