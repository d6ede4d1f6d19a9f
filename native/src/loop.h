// The one way from other threads to JavaScript: a thread-safe function per environment, guarded so that no thread touches it
// once the environment goes down.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <mutex>

namespace vzshell {

class Loop {
 public:
  using Work = std::function<void(Napi::Env)>;

  static std::shared_ptr<Loop> open(Napi::Env env);

  /** Any thread: runs `work` on the loop, in order. False when the environment is ending; `work` is dropped then. */
  bool post(Work work);
  /** Loop thread: between `hold` and `letGo` the process does not end by itself. */
  void hold(Napi::Env env);
  void letGo(Napi::Env env);
  /** Loop thread, from the environment's cleanup: nothing is posted from now on, and what waits is dropped. */
  void close();

 private:
  static void run(napi_env env, napi_value callback, void *context, void *data);

  std::mutex mutex_;
  napi_threadsafe_function function_ = nullptr;
  int holds_ = 0;
};

}  // namespace vzshell
