// GNUstep includes this when blocks are on.
#pragma once
#include <Block.h>
