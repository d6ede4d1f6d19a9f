// The blocks runtime. GNUstep's and Debian's do not retain captured objects reliably with the GCC runtime; this one does, and
// counts the blocks that live on the heap.

#import <Foundation/Foundation.h>
#include "counters.h"
#include <atomic>
#include <cstdlib>
#include <cstring>

// Names and layouts are the compiler's (the Block ABI).
extern "C" {
void *_NSConcreteStackBlock[32], *_NSConcreteGlobalBlock[32], *_NSConcreteMallocBlock[32];
void *_NSConcreteAutoBlock[32], *_NSConcreteFinalizingBlock[32], *_NSConcreteWeakBlockVariable[32];
}

namespace {
struct Descriptor {
  unsigned long reserved, size;
  void (*copy)(void *, const void *);
  void (*dispose)(const void *);
};
struct Block {
  void *isa;
  std::atomic<int> flags;
  int reserved;
  void (*invoke)(void *, ...);
  Descriptor *descriptor;
};
struct Byref {
  void *isa;
  Byref *forwarding;
  std::atomic<int> flags;
  int size;
  void (*keep)(Byref *, Byref *);
  void (*destroy)(Byref *);
};
// In flags: a reference count in steps of 2, and what the compiler says.
enum { countMask = 0xfffe, needsFree = 1 << 24, hasHelpers = 1 << 25, isGlobal = 1 << 28 };
// What a captured variable is.
enum { isObject = 3, isBlock = 7, isByref = 8, isWeak = 16 };

Byref *moveToHeap(Byref *stack) {
  if ((stack->forwarding->flags & needsFree) != 0) {
    stack->forwarding->flags += 2;
    return stack->forwarding;
  }
  auto heap = static_cast<Byref *>(malloc(stack->size));
  memcpy(static_cast<void *>(heap), static_cast<void *>(stack), stack->size);
  // One reference for the block, one for the stack frame.
  heap->flags = (stack->flags & ~countMask) | needsFree | 4;
  heap->forwarding = heap;
  stack->forwarding = heap;
  if ((stack->flags & hasHelpers) != 0) stack->keep(heap, stack);
  return heap;
}

void releaseByref(Byref *variable) {
  if ((variable->flags & needsFree) == 0) return;
  if (((variable->flags -= 2) & countMask) != 0) return;
  if ((variable->flags & hasHelpers) != 0) variable->destroy(variable);
  free(variable);
}
}

extern "C" {
void *_Block_copy(const void *pointer) {
  auto block = static_cast<Block *>(const_cast<void *>(pointer));
  if (block == nullptr || (block->flags & isGlobal) != 0) return block;
  if ((block->flags & needsFree) != 0) {
    block->flags += 2;
    return block;
  }
  auto copy = static_cast<Block *>(malloc(block->descriptor->size));
  memcpy(static_cast<void *>(copy), static_cast<void *>(block), block->descriptor->size);
  copy->isa = _NSConcreteMallocBlock;
  copy->flags = (block->flags & ~countMask) | needsFree | 2;
  if ((copy->flags & hasHelpers) != 0) block->descriptor->copy(copy, block);
  vzlCount(VZLCounter::blocks, 1);
  return copy;
}

void _Block_release(const void *pointer) {
  auto block = static_cast<Block *>(const_cast<void *>(pointer));
  if (block == nullptr || (block->flags & isGlobal) != 0 || (block->flags & needsFree) == 0) return;
  if (((block->flags -= 2) & countMask) != 0) return;
  if ((block->flags & hasHelpers) != 0) block->descriptor->dispose(block);
  vzlCount(VZLCounter::blocks, -1);
  free(block);
}

void _Block_object_assign(void *destination, const void *object, int kind) {
  auto out = static_cast<const void **>(destination);
  switch (kind & ~isWeak) {
  case isObject: *out = [(id)object retain]; break;
  case isBlock: *out = _Block_copy(object); break;
  case isByref: *out = moveToHeap(static_cast<Byref *>(const_cast<void *>(object))); break;
  default: *out = object;  // A __block variable's object: not retained, as manual retain/release has it.
  }
}

void _Block_object_dispose(const void *object, int kind) {
  switch (kind & ~isWeak) {
  case isObject: [(id)object release]; break;
  case isBlock: _Block_release(object); break;
  case isByref: releaseByref(static_cast<Byref *>(const_cast<void *>(object))->forwarding); break;
  default: break;
  }
}
}
