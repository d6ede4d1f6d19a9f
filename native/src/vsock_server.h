// `Machine.serve`: a unix socket that speaks `CONNECT <port>\n` → `OK <n>\n` and then raw bytes to the guest's port, as
// vhost-device-vsock and Firecracker do; and what the guest dials arrives at `<path>_<port>`. One thread per served machine moves
// the bytes, so that none passes JavaScript.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "backend.h"
#include "splice.h"

namespace vzshell {

class VsockServer : public std::enable_shared_from_this<VsockServer> {
 public:
  /** Listens at the path, which must be free. */
  static Result<std::shared_ptr<VsockServer>> start(const std::string &path, std::shared_ptr<Machine> machine);
  ~VsockServer();

  /** Carries what the guest dials on these host ports; a failure ends the server. */
  void listen(std::vector<uint32_t> ports, Reply<Nothing> reply);
  /** Closes all, removes the socket and waits for the thread, which never blocks. May be called twice. */
  void stop();
  bool stopped();

 private:
  using Clock = Splice::Clock;
  /** A client until its connection is there. */
  struct Client {
    uint64_t id;
    Descriptor socket;
    std::string request;
    std::string early;  // sent behind the request, for the guest
    bool connecting = false;
    Clock::time_point deadline;
  };

  VsockServer(std::string path, std::shared_ptr<Machine> machine, Descriptor listener, Pipe wake);

  /** Runs it on the thread; false when that has ended. */
  bool post(std::function<void()> work);
  void run();
  void runPosted();
  void listenNext(std::shared_ptr<std::vector<uint32_t>> left, Reply<Nothing> reply);
  bool dial(uint32_t port, Connection &connection);
  void join(Descriptor client, Connection connection, const std::string &toClient, const std::string &toGuest);
  void acceptClients(Clock::time_point now);
  bool readRequest(Client &client);
  void connectGuest(Client &client, uint32_t port);
  void connected(uint64_t client, Result<Connection> result);

  const std::string path_;
  const std::shared_ptr<Machine> machine_;
  Descriptor listener_;
  Pipe wake_;
  std::list<Client> clients_;
  std::list<Splice> splices_;
  uint64_t lastClient_ = 0;
  /** No accept before this time: descriptors had run out. */
  Clock::time_point acceptAgain_{};

  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  bool stopped_ = false;
  std::once_flag joined_;
  std::thread thread_;
};

}  // namespace vzshell
