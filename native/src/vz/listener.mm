#include "listener.h"

#include "machine.h"

@implementation VzsListener

- (instancetype)initWithMachine:(vzshell::VzMachine *)machine port:(uint32_t)port {
  if ((self = [super init])) {
    _machine = machine;
    _port = port;
  }
  return self;
}

- (void)forget {
  _machine = nullptr;
}

- (BOOL)listener:(VZVirtioSocketListener *)listener
    shouldAcceptNewConnection:(VZVirtioSocketConnection *)connection
             fromSocketDevice:(VZVirtioSocketDevice *)device {
  return _machine && _machine->dialled(_port, connection);
}

@end
