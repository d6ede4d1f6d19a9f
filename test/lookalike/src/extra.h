// Instance variables that classes have besides their properties. The GCC runtime takes them in the @interface alone, that is in
// the generated header.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>
#include <dispatch/dispatch.h>

namespace vzl {
struct Link;
struct Helper;
class Listener;
}

#define VZ_EXTRA_VZVirtioSocketConnection int _descriptor; std::shared_ptr<vzl::Link> _link;
#define VZ_EXTRA_VZVirtioSocketDevice std::shared_ptr<vzl::Link> _link; std::map<uint32_t, vzl::Listener *> _listeners; \
  std::vector<void *> _silent;
#define VZ_EXTRA_VZDirectorySharingDevice std::shared_ptr<vzl::Link> _link; NSUInteger _index;
#define VZ_EXTRA_VZNetworkDevice std::shared_ptr<vzl::Link> _link; NSUInteger _index;
#define VZ_EXTRA_VZMemoryBalloonDevice std::shared_ptr<vzl::Link> _link; uint64_t _most;
#define VZ_EXTRA_VZConsoleDevice std::shared_ptr<vzl::Link> _link;
#define VZ_EXTRA_VZVirtioConsolePort std::shared_ptr<vzl::Link> _link;
#define VZ_EXTRA_VZVirtioConsolePortArray std::shared_ptr<vzl::Link> _link; NSMutableDictionary *_byIndex;
#define VZ_EXTRA_VZVirtioConsolePortConfigurationArray NSMutableDictionary *_byIndex;
#define VZ_EXTRA_VZGraphicsDevice std::shared_ptr<vzl::Link> _link;
#define VZ_EXTRA_VZGraphicsDisplay std::shared_ptr<vzl::Link> _link;
#define VZ_EXTRA_VZUSBController std::shared_ptr<vzl::Link> _link; NSMutableArray *_attached;
#define VZ_EXTRA_VZUSBMassStorageDevice VZUSBMassStorageDeviceConfiguration *_configuration;
#define VZ_EXTRA_VZVirtualMachine VZVirtualMachineConfiguration *_configuration; NSDictionary *_description; \
  std::shared_ptr<vzl::Link> _link; \
  std::shared_ptr<vzl::Helper> _helper; NSDictionary *_lastWords; NSString *_saved; void *_pending; int _observers; bool _hangs;
