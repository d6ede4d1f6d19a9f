// Serial queues for Linux: a thread each, an autorelease pool per item. A queue ends with its last reference, also when that
// goes with the queue's own last item. Its thread takes no signals: they stay with Node's main thread.

#import <Foundation/Foundation.h>
#include <dispatch/dispatch.h>
#include "counters.h"
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

struct dispatch_queue_s {
  explicit dispatch_queue_s(const char *name) : label(name == nullptr ? "" : name) {
    vzlCount(VZLCounter::queues, 1);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  void push(std::function<void()> work) {
    std::lock_guard<std::mutex> lock(mutex);
    items.push_back(std::move(work));
    changed.notify_one();
  }

  void retain() { references++; }

  void release() {
    if (--references > 0) return;
    for (auto &[key, value] : specifics) {
      if (value.second != nullptr) value.second(value.first);
    }
    vzlCount(VZLCounter::queues, -1);
    bool own = thread.get_id() == std::this_thread::get_id();
    {
      std::lock_guard<std::mutex> lock(mutex);
      ending = true;
      deletesItself = own;
      changed.notify_one();
    }
    if (own) {
      thread.detach();
    } else {
      thread.join();
      delete this;
    }
  }

  static thread_local dispatch_queue_s *current;
  const std::string label;
  std::mutex specificsMutex;
  std::map<const void *, std::pair<void *, dispatch_function_t>> specifics;

private:
  void run() {
    current = this;
    pthread_setname_np(pthread_self(), label.substr(0, 15).c_str());
    for (;;) {
      std::function<void()> work;
      {
        std::unique_lock<std::mutex> lock(mutex);
        changed.wait(lock, [this] { return ending || !items.empty(); });
        if (items.empty()) break;
        work = std::move(items.front());
        items.pop_front();
      }
      @autoreleasepool {
        work();
        work = nullptr;
      }
    }
    if (deletesItself) delete this;
  }

  std::atomic<int> references{1};
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> items;
  bool ending = false;
  bool deletesItself = false;
  std::thread thread;
};
thread_local dispatch_queue_s *dispatch_queue_s::current = nullptr;

extern "C" {
dispatch_queue_t dispatch_queue_create(const char *label, dispatch_queue_attr_t) { return new dispatch_queue_s(label); }
const char *dispatch_queue_get_label(dispatch_queue_t queue) { return queue->label.c_str(); }
void dispatch_retain(void *object) { static_cast<dispatch_queue_t>(object)->retain(); }
void dispatch_release(void *object) { static_cast<dispatch_queue_t>(object)->release(); }

void dispatch_async(dispatch_queue_t queue, dispatch_block_t block) {
  dispatch_block_t copy = Block_copy(block);
  dispatch_async_f(queue, (void *)copy, [](void *context) {
    ((dispatch_block_t)context)();
    Block_release((dispatch_block_t)context);
  });
}

void dispatch_async_f(dispatch_queue_t queue, void *context, dispatch_function_t function) {
  queue->retain();
  queue->push([=] {
    function(context);
    queue->release();
  });
}

void dispatch_sync(dispatch_queue_t queue, dispatch_block_t block) {
  dispatch_sync_f(queue, (void *)block, [](void *context) { ((dispatch_block_t)context)(); });
}

void dispatch_sync_f(dispatch_queue_t queue, void *context, dispatch_function_t function) {
  if (dispatch_queue_s::current == queue) {
    fprintf(stderr, "look-alike: dispatch_sync on queue '%s' from that queue: a deadlock\n", queue->label.c_str());
    abort();
  }
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  queue->push([&] {
    function(context);
    std::lock_guard<std::mutex> lock(mutex);
    done = true;
    changed.notify_one();
  });
  std::unique_lock<std::mutex> lock(mutex);
  changed.wait(lock, [&] { return done; });
}

void dispatch_queue_set_specific(dispatch_queue_t queue, const void *key, void *context, dispatch_function_t destructor) {
  std::lock_guard<std::mutex> lock(queue->specificsMutex);
  queue->specifics[key] = {context, destructor};
}

void *dispatch_get_specific(const void *key) {
  dispatch_queue_t queue = dispatch_queue_s::current;
  if (queue == nullptr) return nullptr;
  std::lock_guard<std::mutex> lock(queue->specificsMutex);
  auto found = queue->specifics.find(key);
  return found == queue->specifics.end() ? nullptr : found->second.first;
}

int vzl_on_queue(dispatch_queue_t queue) { return dispatch_queue_s::current == queue; }

void dispatch_assert_queue(dispatch_queue_t queue) {
  if (vzl_on_queue(queue)) return;
  fprintf(stderr, "look-alike: block was expected to execute on queue '%s'\n", queue->label.c_str());
  abort();
}
}
