// The exclusive kernel lock (flock) on a file, which Node does not have.
#pragma once

#include <memory>
#include <string>

#include "deadlines.h"
#include "descriptor.h"

namespace vzshell {

/** What holds the lock until it is closed; null when another process holds it. */
using Lock = std::shared_ptr<Descriptor>;

/** Makes the file when it is missing, and waits for its holder at most that many milliseconds. */
void lockFile(const std::string &path, uint32_t wait, Deadlines &deadlines, Reply<Lock> reply);

}  // namespace vzshell
