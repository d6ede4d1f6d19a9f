// vsock as the helper's machine gives it: a unix socket that speaks `CONNECT <port>`, and one socket per port that the guest dials.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

namespace vzl {
class Listener {
public:
  /** Null and `*failed` when the socket cannot be made. `onAccept` runs on the io thread and owns the descriptor. */
  static Listener *open(const std::string &path, std::function<void(int)> onAccept, int *failed);
  /** Closes and deletes itself. `onAccept` may run once more. */
  void close();
  /** Its socket has another name from now on. */
  void move(const std::string &path);
  /** The framework's listener object, retained by whoever put it here. */
  void *object = nullptr;

private:
  int descriptor = -1;
  std::string path;
};

/** Ends on the io thread: a descriptor and the guest's port, or -1 and an errno. */
using Connected = std::function<void(int descriptor, uint32_t port, int failed)>;
void connectGuest(const std::string &path, uint32_t port, Connected done);
}
