// vsock: connections, listeners and the socket device.

#include "link.h"
#include "counters.h"
#include "vsock.h"
#include <Block.h>
#include <cerrno>
#include <unistd.h>

typedef void (^VZLConnected)(VZVirtioSocketConnection *, NSError *);

@implementation VZVirtioSocketConnection
- (int)fileDescriptor {
  return _descriptor;
}
- (uint32_t)sourcePort {
  return _sourcePort;
}
- (uint32_t)destinationPort {
  return _destinationPort;
}
- (void)close {
  @synchronized(self) {
    if (_descriptor < 0) return;
    _link->forget(_descriptor);
    ::close(_descriptor);
    _descriptor = -1;
  }
}
- (void)dealloc {
  [self close];
  vzlCount(VZLCounter::connections, -1);
  [super dealloc];
}
@end

/** Owns the descriptor from here on. */
static VZVirtioSocketConnection *connection(const vzl::LinkP &link, int descriptor, uint32_t source, uint32_t destination) {
  VZVirtioSocketConnection *made = NSAllocateObject([VZVirtioSocketConnection class], 0, nullptr);
  vzlCount(VZLCounter::connections, 1);
  made->_descriptor = descriptor;
  made->_sourcePort = source;
  made->_destinationPort = destination;
  made->_link = link;
  link->remember(descriptor);
  return [made autorelease];
}

// There are no zeroing weak references here: a delegate that outlives its owner's `delegate = nil` is a use after free, and ASan
// sees it.
@implementation VZVirtioSocketListener
- (id)delegate {
  return _delegate;
}
- (void)setDelegate:(id)delegate {
  _delegate = delegate;
}
@end

@implementation VZVirtioSocketDevice
- (void)setSocketListener:(VZVirtioSocketListener *)listener forPort:(uint32_t)port {
  VZL_ON_QUEUE(_link->queue);
  [self removeSocketListenerForPort:port];
  int failed = 0;
  _link->needDirectory();
  std::weak_ptr<vzl::Link> weak = _link;
  auto onAccept = [weak, port](int descriptor) {
    vzl::LinkP link = weak.lock();
    if (link == nullptr) {
      close(descriptor);
      return;
    }
    dispatch_async(link->queue, ^{
      if (link->machine == nil) {
        close(descriptor);
      } else {
        [(VZVirtioSocketDevice *)[link->machine->_socketDevices lastObject] vzlAccept:descriptor port:port];
      }
    });
  };
  vzl::Listener *made = vzl::Listener::open(_link->socket + "_" + std::to_string(port), onAccept, &failed);
  if (made == nullptr) {
    fprintf(stderr, "look-alike: cannot listen for port %u: %s\n", port, strerror(failed));
    abort();
  }
  made->object = (void *)[listener retain];
  _listeners[port] = made;
}

- (void)removeSocketListenerForPort:(uint32_t)port {
  VZL_ON_QUEUE(_link->queue);
  auto found = _listeners.find(port);
  if (found == _listeners.end()) return;
  [(VZVirtioSocketListener *)found->second->object release];
  found->second->close();
  _listeners.erase(found);
}

- (void)vzlMoveListeners {
  if (!_listeners.empty()) _link->needDirectory();
  for (auto &[port, listener] : _listeners) listener->move(_link->socket + "_" + std::to_string(port));
}

// The hybrid protocol does not tell the guest's port. Who keeps the connection owns the descriptor; nobody: it closes here.
- (void)vzlAccept:(int)descriptor port:(uint32_t)port {
  VZVirtioSocketConnection *made = connection(_link, descriptor, 0, port);
  auto found = _listeners.find(port);
  if (found == _listeners.end() || vzlFault("listener-refused")) {
    [made close];
    return;
  }
  VZVirtioSocketListener *listener = (VZVirtioSocketListener *)found->second->object;
  id delegate = [listener delegate];
  bool taken = [delegate respondsToSelector:@selector(listener:shouldAcceptNewConnection:fromSocketDevice:)] &&
               [delegate listener:listener shouldAcceptNewConnection:made fromSocketDevice:self];
  if (!taken) [made close];
}

- (void)connectToPort:(uint32_t)port completionHandler:(VZLConnected)handler {
  VZL_ON_QUEUE(_link->queue);
  vzl::LinkP link = _link;
  VZLConnected kept = Block_copy(handler);
  if (vzlFault("connect-silent")) {
    _silent.push_back((void *)kept);
    return;
  }
  auto finish = [link, port, kept](int descriptor, uint32_t source, int failed) {
    dispatch_async(link->queue, ^{
      if (descriptor >= 0) {
        kept(connection(link, descriptor, source, port), nil);
      } else {
        kept(nil, vzlPosixError(failed == EMFILE || failed == ENFILE ? failed : ECONNRESET));
      }
    });
    // After the call, and never on the io thread: what the block holds may end a machine.
    dispatch_async(link->queue, ^{
      Block_release(kept);
    });
  };
  bool refused = vzlFault("connect-refused") || link->machine == nil || link->machine->_helper == nullptr;
  if (refused) {
    finish(-1, 0, ECONNRESET);
  } else {
    vzl::connectGuest(link->socket, port, finish);
  }
}

- (void)dealloc {
  for (auto &[port, listener] : _listeners) {
    [(VZVirtioSocketListener *)listener->object release];
    listener->close();
  }
  for (void *block : _silent) Block_release(block);
  [super dealloc];
}
@end
