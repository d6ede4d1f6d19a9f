// Two stream sockets joined: what one sends the other gets, at the pace of who reads, and an end of one direction is passed on.
#pragma once

#include <poll.h>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "descriptor.h"

namespace vzshell {

class Splice {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr size_t kBuffer = 64 * 1024;
  /**
   * How long one direction may stand still when the other has ended. Nothing on vsock can tell a half-closed peer from one that
   * is gone (half-close does not cross it on either driver), and a connection must not stay for ever for that.
   */
  static constexpr std::chrono::seconds kLinger{10};

  /** `done` is called when both sockets are closed. */
  Splice(Descriptor left, Descriptor right, std::function<void()> done);
  ~Splice();
  Splice(const Splice &) = delete;
  Splice &operator=(const Splice &) = delete;

  /** Bytes that go first, at most `kBuffer`. */
  void sendLeft(const std::string &bytes);
  void sendRight(const std::string &bytes);

  /** What to wait for: left, then right. */
  std::array<pollfd, 2> wanted() const;
  /** Moves what can be moved. False when it has ended, and may go. */
  bool move(const pollfd &left, const pollfd &right, Clock::time_point now);
  /** When to look again though nothing happened. */
  Clock::time_point deadline() const;

 private:
  struct Flow {
    std::unique_ptr<char[]> buffer = std::make_unique<char[]>(kBuffer);
    size_t begin = 0;
    size_t end = 0;
    bool ended = false;  // nothing more comes
    bool shut = false;   // the end was passed on, or there is nobody to pass it to

    size_t room() const { return kBuffer - end; }
    bool holds() const { return begin < end; }
    void put(const std::string &bytes);
    void drop();
    bool step(int from, int to);
  };

  Descriptor left_, right_;
  bool leftGone_ = false, rightGone_ = false;
  Flow toRight_, toLeft_;
  Clock::time_point moved_;
  std::function<void()> done_;
};

}  // namespace vzshell
