// The simulated macOS. What is newer is absent, as on an older Mac: its classes are nil, its selectors are not recognised. So an
// addon that forgets to ask for the version fails here as it would there.

#include "lookalike.h"
#include "facts.h"
#include <dlfcn.h>
#include <mutex>
#include <objc/runtime.h>
#include "facts.inc"

namespace {
struct Version {
  int major = 26, minor = 0, patch = 0;
};

const Version &simulated() {
  static const Version version = [] {
    Version read;
    if (const char *text = getenv("VZ_LOOKALIKE_MACOS")) {
      read = {0, 0, 0};
      if (sscanf(text, "%d.%d.%d", &read.major, &read.minor, &read.patch) < 1) {
        fprintf(stderr, "look-alike: VZ_LOOKALIKE_MACOS='%s' is no version\n", text);
        abort();
      }
    }
    return read;
  }();
  return version;
}

bool isHidden(const char *name) {
  for (const VZLClass &row : vzlClasses) {
    if (strcmp(row.name, name) == 0) return !vzl_macos_at_least(row.major, row.minor);
  }
  return false;
}

id notRecognised(id self, SEL selector, ...) {
  [NSException raise:NSInvalidArgumentException
              format:@"%s[%s %s]: unrecognized selector on macOS %d.%d", class_isMetaClass(object_getClass(self)) ? "+" : "-",
                     object_getClassName(self), sel_getName(selector), simulated().major, simulated().minor];
  return nil;
}

BOOL responds(id self, SEL, SEL asked) {
  IMP found = class_getMethodImplementation(object_getClass(self), asked);
  if (found == (IMP)notRecognised) return NO;
  return class_respondsToSelector(object_getClass(self), asked);
}

void hideNewer() {
  for (const VZLMethod &row : vzlMethods) {
    if (vzl_macos_at_least(row.major, row.minor)) continue;
    Class owner = (Class)objc_getClass(row.className);
    if (row.isClass) owner = object_getClass((id)owner);
    SEL selector = sel_registerName(row.selector);
    Method method = class_getInstanceMethod(owner, selector);
    class_replaceMethod(owner, selector, (IMP)notRecognised, method_getTypeEncoding(method));
    class_replaceMethod(owner, @selector(respondsToSelector:), (IMP)responds, "C@::");
  }
}
}

extern "C" {
int vzl_macos_at_least(int major, int minor) {
  const Version &now = simulated();
  return now.major > major || (now.major == major && now.minor >= minor);
}

// The compiler looks every class up by name, through this function of the runtime: ours is found before the runtime's, by the
// addon and by nobody else. The first look-up comes before any class's first message, and after all are loaded.
Class objc_lookup_class(const char *name) {
  static auto real = (Class(*)(const char *))dlsym(RTLD_NEXT, "objc_lookup_class");
  static std::once_flag hidden;
  if (strncmp(name, "VZ", 2) == 0) std::call_once(hidden, hideNewer);
  return isHidden(name) ? Nil : real(name);
}

Class NSClassFromString(NSString *name) {
  static auto real = (Class(*)(NSString *))dlsym(RTLD_NEXT, "NSClassFromString");
  return isHidden([name UTF8String]) ? Nil : real(name);
}
}

@implementation NSProcessInfo (VZLookalike)
- (NSOperatingSystemVersion)operatingSystemVersion {
  return {simulated().major, simulated().minor, simulated().patch};
}
- (BOOL)isOperatingSystemAtLeastVersion:(NSOperatingSystemVersion)wanted {
  const Version &now = simulated();
  if (now.major != wanted.majorVersion) return now.major > wanted.majorVersion;
  if (now.minor != wanted.minorVersion) return now.minor > wanted.minorVersion;
  return now.patch >= wanted.patchVersion;
}
@end
