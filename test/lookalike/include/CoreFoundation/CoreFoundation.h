// The few words of Core Foundation that entitlements and vmnet need. Its types are Objective-C objects here, as they are on a Mac.
#pragma once
#ifdef __cplusplus
extern "C" {
#endif
typedef const void *CFTypeRef;
typedef const struct __CFString *CFStringRef;
typedef const struct __CFAllocator *CFAllocatorRef;
typedef const struct __CFBoolean *CFBooleanRef;
typedef struct __CFError *CFErrorRef;
typedef unsigned long CFTypeID;
typedef unsigned char Boolean;
#define kCFAllocatorDefault ((CFAllocatorRef)0)
CFTypeRef CFRetain(CFTypeRef object);
void CFRelease(CFTypeRef object);
CFTypeID CFGetTypeID(CFTypeRef object);
CFTypeID CFBooleanGetTypeID(void);
Boolean CFBooleanGetValue(CFBooleanRef boolean);
#ifdef __cplusplus
}
#endif
