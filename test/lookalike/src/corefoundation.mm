// The few words of Core Foundation and Security, over Objective-C objects. The executable is entitled unless a fault says not.

#include "lookalike.h"
#include <Security/Security.h>

extern "C" {
CFTypeRef CFRetain(CFTypeRef object) { return (CFTypeRef)[(id)object retain]; }
void CFRelease(CFTypeRef object) { [(id)object release]; }

CFTypeID CFBooleanGetTypeID(void) { return 21; }
CFTypeID CFGetTypeID(CFTypeRef object) {
  return [(id)object isKindOfClass:[NSNumber class]] ? CFBooleanGetTypeID() : (CFTypeID)7;
}
Boolean CFBooleanGetValue(CFBooleanRef boolean) { return [(NSNumber *)(id)boolean boolValue]; }

SecTaskRef SecTaskCreateFromSelf(CFAllocatorRef) { return (SecTaskRef)[[NSObject alloc] init]; }

CFTypeRef SecTaskCopyValueForEntitlement(SecTaskRef, CFStringRef entitlement, CFErrorRef *error) {
  if (error != nullptr) *error = nullptr;
  vzlReadFaults();
  NSString *name = (NSString *)(id)entitlement;
  if ([name isEqualToString:@"com.apple.security.virtualization"] && !vzlFault("no-entitlement")) {
    return (CFTypeRef)[[NSNumber alloc] initWithBool:YES];
  }
  if ([name isEqualToString:@"com.apple.vm.networking"] && vzlFault("bridged-entitlement")) {
    return (CFTypeRef)[[NSNumber alloc] initWithBool:YES];
  }
  return nullptr;
}
}
