// From NSError and NSException to a `Failure`.
#pragma once

#include "../failure.h"
#include "platform.h"

namespace vzshell {

/** `option` names what the error is about, when one option is. Nil becomes a failure that says so. */
Failure failureFrom(NSError *error, const std::string &option = "");
Failure failureFrom(NSException *exception);

/** The failure of a call that reports by NSError, or absent. */
inline std::optional<Failure> failureIf(NSError *error) {
  if (!error) return std::nullopt;
  return failureFrom(error);
}

/** The reply to a call whose completion handler tells an error or nothing. */
inline Result<Nothing> resultFrom(NSError *error) {
  if (!error) return Nothing{};
  return failureFrom(error);
}

}  // namespace vzshell
