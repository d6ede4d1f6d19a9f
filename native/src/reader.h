// Reads plain data from JavaScript strictly: a wrong type, an unknown key and a missing value are failures that name their path.
// The first one is kept, and every read after it gives an empty value, so that callers need not ask after each.
#pragma once

#include <napi.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "config.h"
#include "failure.h"

namespace vzshell {

/** What went wrong first in one reading. A JavaScript exception (of a getter, a proxy) counts, and is thrown on. */
struct Reading {
  Napi::Env env;
  Maybe<Failure> failure;

  bool failed() const { return failure || env.IsExceptionPending(); }
  void fail(Failure why) {
    if (!failed()) failure = std::move(why);
  }
};

/** One value at one path. */
class Reader {
 public:
  Reader(Reading &reading, Napi::Value value, std::string path)
      : reading_(reading), value_(value), path_(std::move(path)) {}

  const std::string &path() const { return path_; }
  Reading &reading() const { return reading_; }

  /** Checks that the value is a plain object with exactly these keys. */
  void keys(std::initializer_list<const char *> names) const;
  /** The value at a key of an object; a missing one reads as undefined, which no type takes. */
  Reader get(const char *name) const;

  bool isNull() const { return value_.IsEmpty() || value_.IsNull(); }
  bool boolean() const;
  /** A whole number from `least` to `most`. */
  uint64_t number(uint64_t least, uint64_t most) const;
  /** Text without NUL bytes, not longer than `most` bytes. */
  std::string text(size_t most = 64 * 1024) const;
  /** An absolute path. */
  std::string file() const;
  /** An open descriptor. */
  int descriptor() const;
  /** One of these words; its index. */
  size_t word(std::initializer_list<const char *> words) const;
  /** Calls for each element of an array of at most `most`. */
  void each(size_t most, const std::function<void(const Reader &)> &element) const;
  /** Calls for each own key of a plain object of at most `most` keys. */
  void entries(size_t most, const std::function<void(const std::string &, const Reader &)> &entry) const;

  /** Null, or what `read` gives. */
  template <class Read>
  auto maybe(const Read &read) const -> Maybe<decltype(read(*this))> {
    if (isNull()) return std::nullopt;
    return read(*this);
  }
  Maybe<std::string> maybeText() const {
    return maybe([](const Reader &reader) { return reader.text(); });
  }

  void invalid(const std::string &message) const { reading_.fail(Failure::invalid(path_, message)); }

 private:
  void expected(const char *what) const;
  bool isPlainObject() const;
  std::string join(const std::string &key) const { return path_.empty() ? key : path_ + "." + key; }

  Reading &reading_;
  Napi::Value value_;
  std::string path_;
};

}  // namespace vzshell
