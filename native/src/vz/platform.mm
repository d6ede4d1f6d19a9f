#include "platform.h"

#include <Security/Security.h>
#ifdef __APPLE__
#include <sys/sysctl.h>
#endif

#include <cstdlib>

namespace vzshell {

std::string macosVersion() {
  const auto version = [[NSProcessInfo processInfo] operatingSystemVersion];
  std::string words = std::to_string(version.majorVersion) + "." + std::to_string(version.minorVersion);
  return version.patchVersion == 0 ? words : words + "." + std::to_string(version.patchVersion);
}

std::string processorArch() {
#ifdef __APPLE__
  int arm = 0;
  size_t size = sizeof arm;
  return sysctlbyname("hw.optional.arm64", &arm, &size, nullptr, 0) == 0 && arm ? "arm64" : "x86_64";
#else
  const char *simulated = getenv("VZ_LOOKALIKE_ARCH");
  return simulated ? simulated : "arm64";
#endif
}

bool isEntitled(const std::string &name) {
  SecTaskRef task = SecTaskCreateFromSelf(kCFAllocatorDefault);
  if (!task) return false;
  CFTypeRef value = SecTaskCopyValueForEntitlement(task, (__bridge CFStringRef)text(name), nullptr);
  CFRelease(task);
  if (!value) return false;
  const bool granted =
      CFGetTypeID(value) == CFBooleanGetTypeID() && CFBooleanGetValue(static_cast<CFBooleanRef>(value));
  CFRelease(value);
  return granted;
}

}  // namespace vzshell
