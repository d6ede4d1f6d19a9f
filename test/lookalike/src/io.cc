#include "io.h"
#include <csignal>
#include <cstring>
#include <map>
#include <mutex>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace vzl {
namespace {
struct Io {
  Io() {
    add(wake);
    BlockedSignals blocked;
    std::thread([this] { run(); }).detach();
  }

  void add(int descriptor) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = descriptor;
    epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event);
  }

  void run() {
    pthread_setname_np(pthread_self(), "look-alike.io");
    for (;;) {
      epoll_event events[32];
      int count = epoll_wait(poll, events, 32, -1);
      for (int i = 0; i < count; i++) {
        if (events[i].data.fd == wake) {
          runPosted();
          continue;
        }
        auto found = watched.find(events[i].data.fd);
        if (found == watched.end()) continue;
        // A copy: the function may unwatch itself.
        auto ready = found->second;
        ready();
      }
    }
  }

  void runPosted() {
    uint64_t ignored;
    (void)!read(wake, &ignored, sizeof ignored);
    std::vector<std::function<void()>> work;
    {
      std::lock_guard<std::mutex> lock(mutex);
      work.swap(posted);
    }
    for (auto &item : work) item();
  }

  int poll = epoll_create1(EPOLL_CLOEXEC);
  int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::mutex mutex;
  std::vector<std::function<void()>> posted;
  std::map<int, std::function<void()>> watched;
};

/** Never deleted: its thread outlives static destructors. */
Io &io() {
  static Io *only = new Io;
  return *only;
}
}

void ioPost(std::function<void()> work) {
  {
    std::lock_guard<std::mutex> lock(io().mutex);
    io().posted.push_back(std::move(work));
  }
  uint64_t one = 1;
  (void)!write(io().wake, &one, sizeof one);
}

void ioWatch(int descriptor, std::function<void()> ready) {
  io().watched[descriptor] = std::move(ready);
  io().add(descriptor);
}

void ioUnwatch(int descriptor) {
  io().watched.erase(descriptor);
  epoll_ctl(io().poll, EPOLL_CTL_DEL, descriptor, nullptr);
}

static_assert(sizeof(sigset_t) <= 128, "the signal mask fits");
BlockedSignals::BlockedSignals() {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  memcpy(before, &old, sizeof old);
}
BlockedSignals::~BlockedSignals() {
  sigset_t old;
  memcpy(&old, before, sizeof old);
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
}
}
