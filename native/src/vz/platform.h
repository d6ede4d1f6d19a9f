// The framework, and where its two homes differ: macOS, and the look-alike that tests build against on Linux (GNUstep, the GCC
// runtime). Rules for every .mm that follow from the latter: instance variables only in @interface, no subscripts on Objective-C
// objects, no C++ exceptions, manual retain and release.
#pragma once

#import <Foundation/Foundation.h>
#import <Virtualization/Virtualization.h>
#include <dispatch/dispatch.h>

#include <string>

#ifdef __APPLE__
/** A guard that the compiler checks: `if (VZS_AVAILABLE(14.0)) { … }`, one token, never negated. */
#define VZS_AVAILABLE(version) @available(macOS version, *)
#else
#define VZS_AVAILABLE(version) \
  vzl_macos_at_least(static_cast<int>(version), static_cast<int>((version) * 10 + 0.5) % 10)
#endif

/** Whether the headers know macOS 26: Xcode 16, which some runners have, does not. */
#if defined(__MAC_OS_X_VERSION_MAX_ALLOWED) && __MAC_OS_X_VERSION_MAX_ALLOWED < 260000
#define VZS_HEADERS_26 0
#else
#define VZS_HEADERS_26 1
#endif

namespace vzshell {

/** `26.0.1` */
std::string macosVersion();
/** `arm64` or `x86_64`, of the processor and not of a translated process. */
std::string processorArch();
/** Whether the running executable has this entitlement set to true. */
bool isEntitled(const std::string &name);

inline std::string text(NSString *string) {
  const char *bytes = [string UTF8String];
  return bytes ? bytes : "";
}

inline NSString *text(const std::string &bytes) {
  NSString *string = [NSString stringWithUTF8String:bytes.c_str()];
  return string ? string : @"";
}

inline NSURL *fileURL(const std::string &path) { return [NSURL fileURLWithPath:text(path)]; }

}  // namespace vzshell
