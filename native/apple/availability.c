// What `@available` compiles to. Apple's compiler has it in a library of its own, Debian's has not.
#include <stdint.h>

struct version {
  uint32_t platform;
  uint32_t version;
};

extern int _availability_version_check(uint32_t count, struct version versions[]);

int32_t __isPlatformVersionAtLeast(uint32_t platform, uint32_t major, uint32_t minor, uint32_t patch) {
  struct version wanted = {platform, (major << 16) | (minor << 8) | patch};
  return _availability_version_check(1, &wanted);
}
