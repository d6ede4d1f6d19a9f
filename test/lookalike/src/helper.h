// The process that runs one machine, as macOS has one XPC service per machine: commands and events are lines of JSON.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <sys/types.h>

namespace vzl {
/** On the io thread. */
using OnLine = std::function<void(std::string)>;
/** Last, on the io thread, when the process has been waited for. Exit status, or 128 and the signal. */
using OnGone = std::function<void(int)>;

struct Helper {
  OnLine onLine;
  OnGone onGone;

  ~Helper();
  void send(const std::string &line);
  /** The owner is gone: the helper reads the end of its commands, ends everything and leaves. */
  void hangUp();
  void kill();

  pid_t pid = -1;
  int channel = -1;
  int pidDescriptor = -1;
  std::string buffer;
};

/**
 * Starts VZ_LOOKALIKE_HELPER. `input` and `output` are the guest's console, or -1. Null and `errno` in `*failed` when it cannot
 * be started.
 */
std::shared_ptr<Helper> startHelper(int input, int output, OnLine onLine, OnGone onGone, int *failed);
/** From now on another hears it. */
void listenTo(const std::shared_ptr<Helper> &helper, OnLine onLine, OnGone onGone);
}
