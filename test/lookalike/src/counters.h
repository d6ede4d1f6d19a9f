// What lives: a test that ends with more than it began with has found a leak.
#pragma once

enum class VZLCounter { blocks, queues, machines, connections, listeners, helpers, size };

/** Adds to a counter. From any thread. */
void vzlCount(VZLCounter counter, int change);
