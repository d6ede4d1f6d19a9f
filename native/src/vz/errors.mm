#include "errors.h"

namespace vzshell {

namespace {

/** An error's chain may come from a remote process: it is not trusted to end. */
constexpr int kMaxDepth = 8;

std::string sentence(NSError *error) {
  const std::string description = text([error localizedDescription]);
  const std::string reason = text([error localizedFailureReason]);
  if (description.empty()) return reason;
  if (reason.empty() || description.find(reason) != std::string::npos) return description;
  return description + " " + reason;
}

}  // namespace

Failure failureFrom(NSError *error, const std::string &option) {
  Failure failure{};
  failure.kind = Failure::Kind::framework;
  failure.option = option;
  if (!error) {
    failure.message = "Virtualization.framework failed without saying why";
    return failure;
  }
  const std::string words = sentence(error);
  failure.message = option.empty() ? words : option + ": " + words;
  failure.domain = text([error domain]);
  failure.code = [error code];
  failure.reason = text([error localizedFailureReason]);
  NSError *below = [[error userInfo] objectForKey:NSUnderlyingErrorKey];
  for (int depth = 0; depth < kMaxDepth && [below isKindOfClass:[NSError class]]; depth++) {
    failure.underlying.push_back({text([below domain]), static_cast<long>([below code]), sentence(below)});
    below = [[below userInfo] objectForKey:NSUnderlyingErrorKey];
  }
  return failure;
}

Failure failureFrom(NSException *exception) {
  Failure failure{};
  failure.kind = Failure::Kind::exception;
  failure.domain = text([exception name]);
  failure.reason = text([exception reason]);
  failure.message = failure.domain + ": " + failure.reason;
  return failure;
}

}  // namespace vzshell
