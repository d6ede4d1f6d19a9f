#include "counters.h"
#import <Foundation/Foundation.h>
#import <Foundation/NSDebug.h>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

static std::atomic<int> counters[static_cast<int>(VZLCounter::size)];
static const char *const names[] = {"blocks", "queues", "machines", "connections", "listeners", "helpers"};

// Never destroyed: threads count on while the process ends.
static std::mutex &mutex = *new std::mutex;
static std::condition_variable &changed = *new std::condition_variable;

void vzlCount(VZLCounter counter, int change) {
  if ((counters[static_cast<int>(counter)] += change) > 0) return;
  std::lock_guard<std::mutex> lock(mutex);
  changed.notify_all();
}

extern "C" {
/** Waits until no counter counts anything; false when that took too long. */
__attribute__((visibility("default"))) bool vzl_settle(int milliseconds) {
  std::unique_lock<std::mutex> lock(mutex);
  return changed.wait_for(lock, std::chrono::milliseconds(milliseconds), [] {
    return std::all_of(std::begin(counters), std::end(counters), [](const auto &count) { return count == 0; });
  });
}

/**
 * What lives, as JSON: our counters, and of every class the objects made since the first call. The caller frees it.
 */
__attribute__((visibility("default"))) char *vzl_live(void) {
  @autoreleasepool {
    GSDebugAllocationActive(YES);
    std::string text = "{";
    for (int i = 0; i < static_cast<int>(VZLCounter::size); i++) {
      text += "\"" + std::string(names[i]) + "\":" + std::to_string(counters[i].load()) + ",";
    }
    text += "\"objects\":{";
    std::string between;
    NSString *list = [NSString stringWithUTF8String:GSDebugAllocationList(NO)];
    for (NSString *line in [list componentsSeparatedByString:@"\n"]) {
      NSArray *parts = [line componentsSeparatedByString:@"\t"];
      if ([parts count] < 2) continue;
      text += between + "\"" + [[parts objectAtIndex:1] UTF8String] + "\":" + [[parts objectAtIndex:0] UTF8String];
      between = ",";
    }
    return strdup((text + "}}").c_str());
  }
}
}
