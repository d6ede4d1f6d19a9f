#include "error_value.h"

namespace vzshell {

namespace {

const char *nameOf(Failure::Kind kind) {
  switch (kind) {
    case Failure::Kind::invalid:
      return "invalid";
    case Failure::Kind::unsupported:
      return "unsupported";
    case Failure::Kind::state:
      return "state";
    case Failure::Kind::closed:
      return "closed";
    case Failure::Kind::timeout:
      return "timeout";
    case Failure::Kind::framework:
      return "framework";
    case Failure::Kind::exception:
      return "exception";
  }
  return "exception";
}

void setText(Napi::Object error, const char *key, const std::string &text) {
  if (!text.empty()) error.Set(key, Napi::String::New(error.Env(), text));
}

}  // namespace

Napi::Value errorValue(Napi::Env env, const Failure &failure) {
  const Napi::Object error = Napi::Error::New(env, failure.message).Value();
  if (env.IsExceptionPending()) return error;
  setText(error, "kind", nameOf(failure.kind));
  setText(error, "option", failure.option);
  setText(error, "needs", failure.needs);
  setText(error, "domain", failure.domain);
  if (failure.code) error.Set("nativeCode", Napi::Number::New(env, static_cast<double>(*failure.code)));
  setText(error, "reason", failure.reason);
  if (failure.underlying.empty()) return error;
  const Napi::Array causes = Napi::Array::New(env, failure.underlying.size());
  for (uint32_t i = 0; i < failure.underlying.size(); i++) {
    const Cause &cause = failure.underlying[i];
    const Napi::Object value = Napi::Object::New(env);
    value.Set("domain", Napi::String::New(env, cause.domain));
    value.Set("code", Napi::Number::New(env, static_cast<double>(cause.code)));
    value.Set("message", Napi::String::New(env, cause.message));
    causes.Set(i, value);
  }
  error.Set("underlying", causes);
  return error;
}

void throwFailure(Napi::Env env, const Failure &failure) {
  if (env.IsExceptionPending()) return;
  const Napi::Value error = errorValue(env, failure);
  if (!env.IsExceptionPending()) napi_throw(env, error);
}

Napi::Value errorOrNull(Napi::Env env, const std::optional<Failure> &failure) {
  return failure ? errorValue(env, *failure) : env.Null();
}

}  // namespace vzshell
