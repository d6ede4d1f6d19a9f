#include "counters.h"
#import <Foundation/Foundation.h>
#import <Foundation/NSDebug.h>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>

static std::atomic<int> counters[static_cast<int>(VZLCounter::size)];
static const char *const names[] = {"blocks", "queues", "machines", "connections", "listeners", "helpers"};

void vzlCount(VZLCounter counter, int change) { counters[static_cast<int>(counter)] += change; }

extern "C" {
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
