#include "vsock.h"
#include "counters.h"
#include "io.h"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace vzl {
namespace {
/** Bytes of the longest `OK <n>`. */
const size_t longestAnswer = 40;

int unixSocket(const std::string &path, sockaddr_un *address) {
  *address = {};
  address->sun_family = AF_UNIX;
  if (path.size() >= sizeof address->sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memcpy(address->sun_path, path.data(), path.size());
  return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

void makeBlocking(int descriptor) { fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK); }
}

Listener *Listener::open(const std::string &path, std::function<void(int)> onAccept, int *failed) {
  sockaddr_un address;
  int descriptor = unixSocket(path, &address);
  unlink(path.c_str());
  if (descriptor < 0 || bind(descriptor, (sockaddr *)&address, sizeof address) != 0 || listen(descriptor, 128) != 0) {
    *failed = errno;
    if (descriptor >= 0) ::close(descriptor);
    return nullptr;
  }
  auto listener = new Listener;
  listener->descriptor = descriptor;
  listener->path = path;
  vzlCount(VZLCounter::listeners, 1);
  ioPost([descriptor, onAccept] {
    ioWatch(descriptor, [descriptor, onAccept] {
      for (int client; (client = accept4(descriptor, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) onAccept(client);
    });
  });
  return listener;
}

void Listener::move(const std::string &to) {
  rename(path.c_str(), to.c_str());
  path = to;
}

void Listener::close() {
  unlink(path.c_str());
  vzlCount(VZLCounter::listeners, -1);
  ioPost([this] {
    ioUnwatch(descriptor);
    ::close(descriptor);
    delete this;
  });
}

void connectGuest(const std::string &path, uint32_t port, Connected done) {
  ioPost([=] {
    sockaddr_un address;
    int descriptor = unixSocket(path, &address);
    std::string hello = "CONNECT " + std::to_string(port) + "\n";
    bool sent = descriptor >= 0 && connect(descriptor, (sockaddr *)&address, sizeof address) == 0 &&
                send(descriptor, hello.data(), hello.size(), MSG_NOSIGNAL) > 0;
    if (!sent) {
      int failed = errno;
      if (descriptor >= 0) close(descriptor);
      done(-1, 0, failed);
      return;
    }
    auto answer = std::make_shared<std::string>();
    ioWatch(descriptor, [=] {
      // Byte by byte: the guest may speak first, and its bytes are not ours.
      char byte = 0;
      ssize_t count;
      while ((count = read(descriptor, &byte, 1)) == 1 && byte != '\n' && answer->size() < longestAnswer) *answer += byte;
      if (count < 0 && errno == EAGAIN) return;
      ioUnwatch(descriptor);
      if (count == 1 && byte == '\n' && answer->rfind("OK ", 0) == 0) {
        makeBlocking(descriptor);
        done(descriptor, (uint32_t)atol(answer->c_str() + 3), 0);
      } else {
        // The daemon gives no reason: no listener, too early, or gone.
        close(descriptor);
        done(-1, 0, ECONNRESET);
      }
    });
  });
}
}
