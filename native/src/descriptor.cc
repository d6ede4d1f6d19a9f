#include "descriptor.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace vzshell {

Failure Failure::posix(int number, const std::string &doing) {
  Failure failure = of(Kind::framework, doing + ": " + strerror(number), "");
  failure.domain = "NSPOSIXErrorDomain";
  failure.code = number;
  failure.reason = strerror(number);
  return failure;
}

void Descriptor::reset(int number) {
  if (number_ >= 0) ::close(number_);
  number_ = number;
}

Descriptor duplicate(int number) { return Descriptor(fcntl(number, F_DUPFD_CLOEXEC, 0)); }

bool prepareSocket(int number) {
  const int status = fcntl(number, F_GETFL);
  if (status < 0 || fcntl(number, F_SETFL, status | O_NONBLOCK) < 0) return false;
  if (fcntl(number, F_SETFD, FD_CLOEXEC) < 0) return false;
#ifdef SO_NOSIGPIPE
  const int on = 1;
  // EINVAL: the peer is gone already, and writes will say so.
  if (setsockopt(number, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on) < 0 && errno != EINVAL) return false;
#endif
  return true;
}

Descriptor duplicateSocket(int number) {
  Descriptor copy = duplicate(number);
  if (copy && !prepareSocket(copy.get())) {
    const int why = errno;
    copy.reset();
    errno = why;
  }
  return copy;
}

Result<Pipe> makePipe() {
  int ends[2];
  if (::pipe(ends) < 0) return Failure::posix(errno, "cannot make a pipe");
  Pipe pipe{Descriptor(ends[0]), Descriptor(ends[1])};
  for (const int end : ends) {
    if (fcntl(end, F_SETFD, FD_CLOEXEC) < 0) return Failure::posix(errno, "cannot make a pipe");
  }
  return pipe;
}

}  // namespace vzshell
