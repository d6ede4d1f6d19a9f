// What lies between the two halves of the addon: above it Node-API (*.cc), below it Virtualization.framework (vz/*.mm). Plain
// C++: neither half sees the other's headers. Replies and events come on any thread; nothing here blocks, but `makeMachine`
// and `closeNow`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "config.h"
#include "deadlines.h"
#include "descriptor.h"
#include "failure.h"

namespace vzshell {

/** In the order of VZVirtualMachineState. */
enum class State { stopped, running, paused, error, starting, pausing, resuming, stopping, saving, restoring };
const char *nameOf(State state);

/** A vsock connection. The framework's object is kept until `Machine::release(id)`; our duplicate closes with `socket`. */
struct Connection {
  std::shared_ptr<Descriptor> socket;
  uint32_t id = 0;
  uint32_t sourcePort = 0;
};

/** Takes a guest's connection; false refuses it. Called on the machine's queue, so it must not block. */
using Accept = std::function<bool(Connection)>;

struct StateEvent {
  State state;
};
/** The guest powered off, or the machine crashed. */
struct StoppedEvent {
  Maybe<Failure> error;
};
struct NetworkLostEvent {
  size_t index;
  Failure error;
};
/** `error` is absent when the server was connected. */
struct NbdEvent {
  size_t index;
  Maybe<Failure> error;
};
struct ConsolePortEvent {
  size_t console;
  size_t port;
  bool open;
};
using Event = std::variant<StateEvent, StoppedEvent, NetworkLostEvent, NbdEvent, ConsolePortEvent>;

/** What must be kept for the machine's next run. */
struct Identity {
  std::string machineIdentifier;  // base64
  std::vector<std::string> macs;
};

/** One VZVirtualMachine on a serial queue of its own. */
class Machine {
 public:
  virtual ~Machine() = default;

  virtual State state() const = 0;
  virtual const Identity &identity() const = 0;
  /** Why this configuration cannot be saved; absent when it can. */
  virtual const Maybe<Failure> &saveObstacle() const = 0;

  virtual void start(Reply<Nothing>) = 0;
  virtual void stop(Reply<Nothing>) = 0;
  virtual void requestStop(Reply<Nothing>) = 0;
  virtual void pause(Reply<Nothing>) = 0;
  virtual void resume(Reply<Nothing>) = 0;
  virtual void save(std::string path, Reply<Nothing>) = 0;
  virtual void restore(std::string path, Reply<Nothing>) = 0;

  virtual void connect(uint32_t port, uint32_t timeout, Reply<Connection>) = 0;
  virtual void listen(uint32_t port, Accept, Reply<Nothing>) = 0;
  virtual void unlisten(uint32_t port, Reply<Nothing>) = 0;
  /** Closes the framework's side of a connection. An unknown id is no error: the machine's end has closed it before. */
  virtual void release(uint32_t connection) = 0;

  virtual void setShare(std::string tag, Share, Reply<Nothing>) = 0;
  virtual void setNetwork(size_t index, Maybe<NetworkAttachment>, Reply<Nothing>) = 0;
  virtual void balloon(Reply<uint64_t>) = 0;
  virtual void setBalloon(uint64_t bytes, Reply<Nothing>) = 0;
  virtual void attachUsb(size_t controller, UsbStorage, Reply<std::string>) = 0;
  virtual void detachUsb(size_t controller, std::string uuid, Reply<Nothing>) = 0;

  /** Stops what runs, closes all descriptors and releases the machine; calls under way fail with `closed`. */
  virtual void close(Reply<Nothing>) = 0;
  /** The same at once, without a reply and without waiting for the guest: for the end of the environment. */
  virtual void closeNow() = 0;
};

/** Checks the configuration and makes a machine; nothing runs yet. `events` is not called after `close`. */
Result<std::shared_ptr<Machine>> makeMachine(const Config &config, std::function<void(Event)> events,
                                             std::shared_ptr<Deadlines> deadlines);

struct Feature {
  std::string name;
  /** Why it is not available; absent when it is. */
  Maybe<std::string> why;
};

struct Capabilities {
  std::string macos;
  std::string arch;
  bool supported;
  bool entitled;
  bool bridgedEntitled;
  uint32_t minCpus, maxCpus;
  uint64_t minMemory, maxMemory;
  const char *rosetta;
  std::vector<std::pair<std::string, Maybe<std::string>>> bridgedInterfaces;
  std::vector<Feature> features;
};
Result<Capabilities> capabilities();

/** Asks the user, and may take minutes. */
void installRosetta(Reply<Nothing>);

}  // namespace vzshell
