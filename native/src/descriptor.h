// A file descriptor that is closed with its owner, and how a foreign one is duplicated.
#pragma once

#include <utility>

#include "failure.h"

namespace vzshell {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor &&other) noexcept : number_(other.release()) {}
  Descriptor &operator=(Descriptor &&other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;
  ~Descriptor() { reset(); }

  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  /** The number, which the caller closes from now on. */
  int release() { return std::exchange(number_, -1); }
  void reset(int number = -1);

 private:
  int number_ = -1;
};

/** A duplicate that is closed on exec; empty with errno set when that fails. */
Descriptor duplicate(int number);

/** A duplicate of a connected stream socket: non-blocking, closed on exec, and its writes raise no SIGPIPE. */
Descriptor duplicateSocket(int number);

/** Non-blocking, closed on exec, no SIGPIPE. False with errno set. */
bool prepareSocket(int number);

struct Pipe {
  Descriptor read;
  Descriptor write;
};

/** Both ends closed on exec. */
Result<Pipe> makePipe();

}  // namespace vzshell
