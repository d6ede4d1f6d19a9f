#include "file_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>

namespace vzshell {

namespace {

/** flock tells nobody when a lock becomes free, and a thread that waits in it cannot be called back: so it is tried again. */
constexpr uint32_t kPause = 20;

void tryLock(Lock file, const std::string &path, uint32_t left, Deadlines &deadlines, Reply<Lock> reply) {
  if (flock(file->get(), LOCK_EX | LOCK_NB) == 0) return reply(std::move(file));
  if (errno != EWOULDBLOCK && errno != EINTR) return reply(Failure::posix(errno, "cannot lock " + path));
  if (left == 0) return reply(Lock());
  const uint32_t pause = std::min(left, kPause);
  deadlines.add(pause, [file, path, left, pause, &deadlines, reply] { tryLock(file, path, left - pause, deadlines, reply); });
}

}  // namespace

void lockFile(const std::string &path, uint32_t wait, Deadlines &deadlines, Reply<Lock> reply) {
  auto file = std::make_shared<Descriptor>(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!*file) return reply(Failure::posix(errno, "cannot open the lock file " + path));
  tryLock(std::move(file), path, wait, deadlines, std::move(reply));
}

}  // namespace vzshell
