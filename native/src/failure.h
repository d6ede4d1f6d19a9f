// What went wrong, as plain data. It becomes a `VzNativeError` in error_value.cc; see src/driver/vz/binding.ts.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace vzshell {

/** An error that lies under another one: NSUnderlyingErrorKey, outermost first. */
struct Cause {
  std::string domain;
  long code;
  std::string message;
};

struct Failure {
  enum class Kind { invalid, unsupported, state, closed, timeout, framework, exception };

  Kind kind;
  std::string message;
  /** The option that is wrong, as a path: `storage[0].attachment.path`. */
  std::string option;
  /** What would be needed: `macOS 14`. */
  std::string needs;
  std::string domain;
  std::optional<long> code;
  std::string reason;
  std::vector<Cause> underlying;

  static Failure invalid(std::string option, const std::string &message) {
    return of(Kind::invalid, option + ": " + message, option);
  }
  static Failure unsupported(std::string option, const std::string &what, std::string needs) {
    Failure failure = of(Kind::unsupported, option + ": " + what + " needs " + needs, option);
    failure.needs = std::move(needs);
    return failure;
  }
  static Failure state(const std::string &message) { return of(Kind::state, message, ""); }
  static Failure closed() { return of(Kind::closed, "the machine was closed", ""); }
  static Failure timeout(const std::string &message) { return of(Kind::timeout, message, ""); }
  /** An errno, in the words of NSPOSIXErrorDomain. */
  static Failure posix(int number, const std::string &doing);

 private:
  static Failure of(Kind kind, std::string message, std::string option) {
    Failure failure{};
    failure.kind = kind;
    failure.message = std::move(message);
    failure.option = std::move(option);
    return failure;
  }
};

/** The value of a call that has none. */
using Nothing = std::monostate;

template <class T>
using Result = std::variant<T, Failure>;

/** Called once, on any thread. */
template <class T>
using Reply = std::function<void(Result<T>)>;

/** The failure of a result, or null. */
template <class T>
const Failure *failureOf(const Result<T> &result) {
  return std::get_if<Failure>(&result);
}

}  // namespace vzshell
