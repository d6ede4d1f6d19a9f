// From a configuration to the machine's run-time devices, in its order.

#include "link.h"

using vzl::LinkP;

static VZVirtioFileSystemDevice *fileSystem(VZVirtioFileSystemDeviceConfiguration *from, NSUInteger index, const LinkP &link) {
  VZVirtioFileSystemDevice *device = NSAllocateObject([VZVirtioFileSystemDevice class], 0, nullptr);
  device->_link = link;
  device->_index = index;
  device->_tag = [[from tag] copy];
  device->_share = [[from share] retain];
  return [device autorelease];
}

static VZNetworkDevice *network(VZNetworkDeviceConfiguration *from, NSUInteger index, const LinkP &link) {
  VZNetworkDevice *device = NSAllocateObject([VZNetworkDevice class], 0, nullptr);
  device->_link = link;
  device->_index = index;
  device->_attachment = [[from attachment] retain];
  return [device autorelease];
}

static VZVirtioConsoleDevice *console(VZVirtioConsoleDeviceConfiguration *from, NSUInteger, const LinkP &link) {
  VZVirtioConsoleDevice *device = NSAllocateObject([VZVirtioConsoleDevice class], 0, nullptr);
  VZVirtioConsolePortArray *ports = NSAllocateObject([VZVirtioConsolePortArray class], 0, nullptr);
  device->_link = ports->_link = link;
  device->_ports = ports;
  ports->_maximumPortCount = [[from ports] maximumPortCount];
  ports->_byIndex = [[NSMutableDictionary alloc] init];
  NSDictionary *wanted = [from ports]->_byIndex;
  for (NSNumber *index in wanted) {
    VZVirtioConsolePortConfiguration *described = [wanted objectForKey:index];
    VZVirtioConsolePort *port = NSAllocateObject([VZVirtioConsolePort class], 0, nullptr);
    port->_link = link;
    port->_name = [[described name] copy];
    port->_attachment = [[described attachment] retain];
    [ports->_byIndex setObject:port forKey:index];
    [port release];
  }
  return [device autorelease];
}

static VZMemoryBalloonDevice *balloon(VZMemoryBalloonDeviceConfiguration *, NSUInteger, const LinkP &link) {
  VZVirtioTraditionalMemoryBalloonDevice *device =
      NSAllocateObject([VZVirtioTraditionalMemoryBalloonDevice class], 0, nullptr);
  device->_link = link;
  device->_most = [link->machine->_configuration memorySize];
  device->_targetVirtualMachineMemorySize = device->_most;
  return [device autorelease];
}

static VZSocketDevice *vsock(VZSocketDeviceConfiguration *, NSUInteger, const LinkP &link) {
  VZVirtioSocketDevice *device = NSAllocateObject([VZVirtioSocketDevice class], 0, nullptr);
  device->_link = link;
  return [device autorelease];
}

static VZGraphicsDevice *graphics(VZVirtioGraphicsDeviceConfiguration *from, NSUInteger, const LinkP &link) {
  VZVirtioGraphicsDevice *device = NSAllocateObject([VZVirtioGraphicsDevice class], 0, nullptr);
  device->_link = link;
  NSMutableArray *displays = [NSMutableArray array];
  for (NSUInteger i = 0; i < [[from scanouts] count]; i++) {
    VZVirtioGraphicsScanout *display = NSAllocateObject([VZVirtioGraphicsScanout class], 0, nullptr);
    display->_link = link;
    [displays addObject:display];
    [display release];
  }
  device->_displays = [displays copy];
  return [device autorelease];
}

static VZUSBController *usb(VZUSBControllerConfiguration *from, NSUInteger, const LinkP &link) {
  VZUSBController *controller = NSAllocateObject([VZXHCIController class], 0, nullptr);
  controller->_link = link;
  controller->_attached = [[NSMutableArray alloc] init];
  for (VZUSBMassStorageDeviceConfiguration *described in [from usbDevices]) {
    VZUSBMassStorageDevice *device = [[VZUSBMassStorageDevice alloc] initWithConfiguration:described];
    device->_usbController = controller;
    [controller->_attached addObject:device];
    [device release];
  }
  return [controller autorelease];
}

template <typename Make> static id each(NSArray *configurations, const LinkP &link, Make make) {
  NSMutableArray *devices = [NSMutableArray array];
  for (id configuration in configurations) [devices addObject:make(configuration, [devices count], link)];
  return [devices copy];
}

@implementation VZVirtualMachine (Devices)
- (void)vzlMakeDevices {
  _directorySharingDevices = each([_configuration directorySharingDevices], _link, fileSystem);
  _networkDevices = each([_configuration networkDevices], _link, network);
  _consoleDevices = each([_configuration consoleDevices], _link, console);
  _memoryBalloonDevices = each([_configuration memoryBalloonDevices], _link, balloon);
  _socketDevices = each([_configuration socketDevices], _link, vsock);
  _graphicsDevices = each([_configuration graphicsDevices], _link, graphics);
  // Not by message: an older macOS has none.
  _usbControllers = each(_configuration->_usbControllers, _link, usb);
}
@end
