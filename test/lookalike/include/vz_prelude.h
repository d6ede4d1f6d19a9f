// What Apple's headers bring and GNUstep's lack. Force nothing here on the look-alike's insides: the addon reads this too.
#pragma once
#include <net/ethernet.h>
typedef struct ether_addr ether_addr_t;

#ifndef API_AVAILABLE
#define API_AVAILABLE(...)
#endif
#ifndef NS_UNAVAILABLE
#define NS_UNAVAILABLE __attribute__((unavailable))
#endif

#ifdef __cplusplus
extern "C" {
#endif
/** Whether the simulated macOS (VZ_LOOKALIKE_MACOS, by default 26.0) is at least this one. `@available` is always true here. */
__attribute__((visibility("default"))) int vzl_macos_at_least(int major, int minor);
#ifdef __cplusplus
}
#endif

#ifdef __OBJC__
#import <Foundation/Foundation.h>
#ifndef NSOperatingSystemVersion
typedef struct {
  NSInteger majorVersion;
  NSInteger minorVersion;
  NSInteger patchVersion;
} VZLOperatingSystemVersion;
#define NSOperatingSystemVersion VZLOperatingSystemVersion
#endif

/** The simulated macOS. */
@interface NSProcessInfo (VZLookalike)
@property(readonly) NSOperatingSystemVersion operatingSystemVersion;
- (BOOL)isOperatingSystemAtLeastVersion:(NSOperatingSystemVersion)version;
@end
#endif
