#include "splice.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace vzshell {

namespace {

#ifdef MSG_NOSIGNAL
constexpr int kSendFlags = MSG_NOSIGNAL;
#else
constexpr int kSendFlags = 0;  // SO_NOSIGPIPE is set instead
#endif

/** How many buffers one splice may move before others get their turn. */
constexpr int kTurns = 8;

bool mustWait(int number) { return number == EAGAIN || number == EWOULDBLOCK || number == EINTR || number == ENOBUFS; }

/** Whether the peer has closed altogether, and not just its sending half. */
bool isGone(int socket, short events, bool atEnd) {
#ifdef __APPLE__
  // poll says POLLHUP for a half-closed peer too; a socket that is down both ways has no peer's name any more.
  if (!atEnd && !(events & (POLLHUP | POLLERR | POLLNVAL))) return false;
  sockaddr_un address;
  socklen_t size = sizeof address;
  return getpeername(socket, reinterpret_cast<sockaddr *>(&address), &size) < 0;
#else
  (void)socket, (void)atEnd;
  return (events & (POLLHUP | POLLERR | POLLNVAL)) != 0;
#endif
}

}  // namespace

void Splice::Flow::put(const std::string &bytes) {
  const size_t size = std::min(bytes.size(), room());
  memcpy(buffer.get() + end, bytes.data(), size);
  end += size;
}

void Splice::Flow::drop() {
  begin = end = 0;
  ended = shut = true;
}

/** Reads and writes until one of the two must wait. True when bytes moved. */
bool Splice::Flow::step(int from, int to) {
  bool moved = false;
  for (int turn = 0; turn < kTurns; turn++) {
    bool waits = true;
    if (!ended && room() > 0) {
      const ssize_t count = ::read(from, buffer.get() + end, room());
      if (count > 0) {
        end += static_cast<size_t>(count);
        moved = true;
        waits = false;
      } else if (count == 0 || !mustWait(errno)) {
        ended = true;
      }
    }
    if (holds()) {
      const ssize_t count = ::send(to, buffer.get() + begin, end - begin, kSendFlags);
      if (count > 0) {
        begin += static_cast<size_t>(count);
        if (!holds()) begin = end = 0;
        moved = true;
      } else if (count < 0 && !mustWait(errno)) {
        drop();  // nobody reads there; what comes the other way still counts
        return moved;
      } else {
        break;
      }
    }
    if (waits) break;
  }
  if (ended && !holds() && !shut) {
    ::shutdown(to, SHUT_WR);
    shut = true;
  }
  return moved;
}

Splice::Splice(Descriptor left, Descriptor right, std::function<void()> done)
    : left_(std::move(left)), right_(std::move(right)), moved_(Clock::now()), done_(std::move(done)) {}

Splice::~Splice() {
  left_.reset();
  right_.reset();
  if (done_) done_();
}

void Splice::sendLeft(const std::string &bytes) { toLeft_.put(bytes); }
void Splice::sendRight(const std::string &bytes) { toRight_.put(bytes); }

std::array<pollfd, 2> Splice::wanted() const {
  const auto events = [](const Flow &out, const Flow &in) {
    short wanted = 0;
    if (!out.ended && out.room() > 0) wanted |= POLLIN;
    if (in.holds()) wanted |= POLLOUT;
    return wanted;
  };
  const auto entry = [](int socket, short wanted, bool gone) {
    // A peer that is gone is reported for ever: with nothing else to wait for, poll would never wait.
    return pollfd{gone && wanted == 0 ? -1 : socket, wanted, 0};
  };
  return {entry(left_.get(), events(toRight_, toLeft_), leftGone_), entry(right_.get(), events(toLeft_, toRight_), rightGone_)};
}

bool Splice::move(const pollfd &left, const pollfd &right, Clock::time_point now) {
  if (left.revents | right.revents) {
    bool moved = toRight_.step(left_.get(), right_.get());
    moved = toLeft_.step(right_.get(), left_.get()) || moved;
    if (moved) moved_ = now;
    if (!leftGone_ && isGone(left_.get(), left.revents, toRight_.ended)) {
      leftGone_ = true;
      toLeft_.drop();
    }
    if (!rightGone_ && isGone(right_.get(), right.revents, toLeft_.ended)) {
      rightGone_ = true;
      toRight_.drop();
    }
  }
  if (toRight_.shut && toLeft_.shut) return false;
  return now < deadline();
}

Splice::Clock::time_point Splice::deadline() const {
  return toRight_.shut || toLeft_.shut ? moved_ + kLinger : Clock::time_point::max();
}

}  // namespace vzshell
