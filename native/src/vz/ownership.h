// Who holds an Objective-C object. Manual retain and release, so that what the tests on Linux count is what ships; the same
// source compiles with ARC, which checks it once more.
#pragma once

#import <Foundation/Foundation.h>

#include <utility>

namespace vzshell {

/** Hands a new object (alloc, new, copy) to the pool. */
template <class T>
T autoreleased(T object) {
#if __has_feature(objc_arc)
  return object;
#else
  return [object autorelease];
#endif
}

/** `[[Class new] autorelease]`; not of a class newer than the deployment target, whose guard the compiler cannot see in here. */
template <class Class>
Class *make() {
  return autoreleased([[Class alloc] init]);
}

/** Holds an object; `T` is the pointer's type. Dropped where its owner is: for a machine that must be the queue. */
template <class T>
class Retained {
 public:
  Retained() = default;
  explicit Retained(T object) : object_(retain(object)) {}
  Retained(const Retained &other) : object_(retain(other.object_)) {}
  Retained(Retained &&other) noexcept : object_(std::exchange(other.object_, nil)) {}
  Retained &operator=(Retained other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Retained() {
#if !__has_feature(objc_arc)
    [object_ release];
#endif
  }

  T get() const { return object_; }
  explicit operator bool() const { return object_ != nil; }
  void reset() { *this = Retained(); }

 private:
  static T retain(T object) {
#if __has_feature(objc_arc)
    return object;
#else
    return [object retain];
#endif
  }

  T object_ = nil;
};

}  // namespace vzshell

#if __has_feature(objc_arc)
#define VZS_SUPER_DEALLOC()
#else
#define VZS_SUPER_DEALLOC() [super dealloc]
#endif
