// Waiting: dispatch_after by one timer thread for the process, and semaphores.

#import <Foundation/Foundation.h>
#include <dispatch/dispatch.h>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <map>
#include <mutex>
#include <thread>

namespace {
using Clock = std::chrono::steady_clock;

struct Deferred {
  dispatch_queue_t queue;
  void *context;
  dispatch_function_t function;
};

struct Timer {
  Timer() {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread([this] { run(); }).detach();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void add(Clock::time_point when, Deferred item) {
    std::lock_guard<std::mutex> lock(mutex);
    items.emplace(when, item);
    changed.notify_one();
  }

  void run() {
    std::unique_lock<std::mutex> lock(mutex);
    for (;;) {
      if (items.empty()) {
        changed.wait(lock);
        continue;
      }
      auto first = items.begin();
      if (Clock::now() < first->first) {
        auto until = first->first;
        changed.wait_until(lock, until);
        continue;
      }
      Deferred item = first->second;
      items.erase(first);
      lock.unlock();
      dispatch_async_f(item.queue, item.context, item.function);
      dispatch_release(item.queue);
      lock.lock();
    }
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::multimap<Clock::time_point, Deferred> items;
};

/** Never deleted: its thread outlives static destructors. */
Timer &timer() {
  static Timer *only = new Timer;
  return *only;
}

Clock::time_point timePoint(dispatch_time_t when) {
  return when == DISPATCH_TIME_NOW ? Clock::now() : Clock::time_point(std::chrono::nanoseconds((int64_t)when));
}
}

struct dispatch_semaphore_s {
  std::mutex mutex;
  std::condition_variable changed;
  intptr_t value;
};

extern "C" {
dispatch_time_t dispatch_time(dispatch_time_t base, int64_t nanoseconds) {
  if (base == DISPATCH_TIME_FOREVER) return base;
  return (dispatch_time_t)(timePoint(base) + std::chrono::nanoseconds(nanoseconds)).time_since_epoch().count();
}

void dispatch_after_f(dispatch_time_t when, dispatch_queue_t queue, void *context, dispatch_function_t function) {
  if (when == DISPATCH_TIME_FOREVER) return;
  dispatch_retain(queue);
  timer().add(timePoint(when), {queue, context, function});
}

void dispatch_after(dispatch_time_t when, dispatch_queue_t queue, dispatch_block_t block) {
  if (when == DISPATCH_TIME_FOREVER) return;
  dispatch_block_t copy = Block_copy(block);
  dispatch_after_f(when, queue, (void *)copy, [](void *context) {
    ((dispatch_block_t)context)();
    Block_release((dispatch_block_t)context);
  });
}

dispatch_semaphore_t dispatch_semaphore_create(intptr_t value) {
  auto semaphore = new dispatch_semaphore_s;
  semaphore->value = value;
  return semaphore;
}

intptr_t dispatch_semaphore_signal(dispatch_semaphore_t semaphore) {
  std::lock_guard<std::mutex> lock(semaphore->mutex);
  semaphore->value++;
  semaphore->changed.notify_one();
  return 1;
}

intptr_t dispatch_semaphore_wait(dispatch_semaphore_t semaphore, dispatch_time_t timeout) {
  std::unique_lock<std::mutex> lock(semaphore->mutex);
  auto ready = [semaphore] { return semaphore->value > 0; };
  if (timeout == DISPATCH_TIME_FOREVER) {
    semaphore->changed.wait(lock, ready);
  } else if (!semaphore->changed.wait_until(lock, timePoint(timeout), ready)) {
    return 1;
  }
  semaphore->value--;
  return 0;
}
}
