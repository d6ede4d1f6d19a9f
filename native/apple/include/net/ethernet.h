// Zig's headers of Darwin have no net/ethernet.h.
#pragma once
#include <sys/types.h>
typedef struct ether_addr {
  u_char octet[6];
} ether_addr_t;
