// For every source of the look-alike: the framework's declarations with the instance variables that only it may see, and what its
// classes share.
#pragma once
#import <Foundation/Foundation.h>
#include "extra.h"
#include "ivars.h"
#import <Virtualization/Virtualization.h>
#include "faults.h"

// Properties of the header that a class of the look-alike answers by hand.
#pragma clang diagnostic ignored "-Wobjc-property-implementation"
#pragma clang diagnostic ignored "-Wincomplete-implementation"
#pragma clang diagnostic ignored "-Wprotocol"
#pragma clang diagnostic ignored "-Wobjc-protocol-method-implementation"
#pragma clang diagnostic ignored "-Wnullability-completeness"

typedef void (^VZLDone)(NSError *);

/** An error as Apple's look: a sentence for the code, the reason, and what was below it. */
NSError *vzlError(VZErrorCode code, NSString *reason, NSError *underlying = nil);
NSError *vzlPosixError(int number);
/** Sets `*error` if there is one. Returns NO. */
BOOL vzlFail(NSError **error, VZErrorCode code, NSString *reason, NSError *underlying = nil);

/** What a configuration holds, as JSON: per object its class and each property of the facts. */
id vzlDescribe(id object);

/** The process aborts, as Apple's dispatch_assert_queue does: a wrong queue is never an exception that someone may catch. */
#define VZL_ON_QUEUE(queue) vzlAssertQueue(queue, __PRETTY_FUNCTION__)
void vzlAssertQueue(dispatch_queue_t queue, const char *method);
extern "C" int vzl_on_queue(dispatch_queue_t queue);
