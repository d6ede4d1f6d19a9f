// A `Failure` as the `VzNativeError` of src/driver/vz/binding.ts.
#pragma once

#include <napi.h>

#include "failure.h"

namespace vzshell {

Napi::Value errorValue(Napi::Env env, const Failure &failure);

/** Throws it; the caller returns at once. */
void throwFailure(Napi::Env env, const Failure &failure);

/** null, or the error. */
Napi::Value errorOrNull(Napi::Env env, const std::optional<Failure> &failure);

}  // namespace vzshell
