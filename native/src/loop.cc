#include "loop.h"

namespace vzshell {

std::shared_ptr<Loop> Loop::open(Napi::Env env) {
  auto loop = std::make_shared<Loop>();
  const napi_value name = Napi::String::New(env, "vzshell");
  const napi_status status = napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, nullptr,
                                                             &Loop::run, &loop->function_);
  if (status != napi_ok) return nullptr;
  napi_unref_threadsafe_function(env, loop->function_);
  return loop;
}

bool Loop::post(Work work) {
  auto *item = new Work(std::move(work));
  {
    const std::lock_guard lock(mutex_);
    if (function_ && napi_call_threadsafe_function(function_, item, napi_tsfn_nonblocking) == napi_ok) return true;
  }
  // Outside the lock: what the work captured may end a machine, which posts.
  delete item;
  return false;
}

void Loop::run(napi_env env, napi_value, void *, void *data) {
  const std::unique_ptr<Work> work(static_cast<Work *>(data));
  if (!env) return;
  const Napi::HandleScope scope(env);
  (*work)(env);
  // Node-API would only warn of an exception in a thread-safe function's callback: it is the program's, and must be seen.
  napi_value exception;
  if (napi_get_and_clear_last_exception(env, &exception) == napi_ok) {
    napi_valuetype type;
    if (napi_typeof(env, exception, &type) == napi_ok && type != napi_undefined) napi_fatal_exception(env, exception);
  }
}

void Loop::hold(Napi::Env env) {
  if (holds_++ == 0 && function_) napi_ref_threadsafe_function(env, function_);
}

void Loop::letGo(Napi::Env env) {
  if (--holds_ == 0 && function_) napi_unref_threadsafe_function(env, function_);
}

void Loop::close() {
  const std::lock_guard lock(mutex_);
  if (!function_) return;
  napi_release_threadsafe_function(function_, napi_tsfn_abort);
  function_ = nullptr;
}

}  // namespace vzshell
