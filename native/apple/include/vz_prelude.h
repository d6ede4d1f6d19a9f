// What the generated Virtualization.h needs of a system: nothing of the look-alike's here.
#pragma once
#include <net/ethernet.h>
