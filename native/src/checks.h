// What can be known of a configuration before the framework is asked: files that are missing or of the wrong kind, and things
// named twice. The framework says "Internal Virtualization error", or nothing at all, for several of these.
#pragma once

#include <string>

#include "config.h"
#include "failure.h"

namespace vzshell {

/** The first thing that no macOS takes; absent when there is none. `arch` is the processor's. */
Maybe<Failure> checkConfig(const Config &config, const std::string &arch);

/** Why a file cannot be the kernel of a direct boot. */
Maybe<Failure> checkKernel(const std::string &path, const std::string &arch);
/** Why a file cannot be a disk image. */
Maybe<Failure> checkImage(const DiskImage &image, const std::string &option);
/** Why a directory cannot be shared. */
Maybe<Failure> checkShare(const Share &share, const std::string &option);

}  // namespace vzshell
