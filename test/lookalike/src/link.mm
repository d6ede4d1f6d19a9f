#include "link.h"
#include <cerrno>
#include <cstdlib>
#include <dirent.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace vzl {
void removeDirectory(const std::string &path) {
  if (DIR *directory = opendir(path.c_str())) {
    while (dirent *entry = readdir(directory)) unlink((path + "/" + entry->d_name).c_str());
    closedir(directory);
  }
  rmdir(path.c_str());
}

Link::Link(dispatch_queue_t machineQueue) : queue(machineQueue) {
  dispatch_retain(queue);
  vzl::remember(this);
}

void Link::needDirectory() {
  if (!directory.empty()) {
    // A helper has removed it at its end; this is another start.
    mkdir(directory.c_str(), 0700);
    return;
  }
  const char *parent = getenv("TMPDIR");
  directory = std::string(parent == nullptr ? "/tmp" : parent) + "/vzl-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) {
    fprintf(stderr, "look-alike: cannot make %s: %s\n", directory.c_str(), strerror(errno));
    abort();
  }
  socket = directory + "/v.sock";
}

std::string Link::leaveDirectory() {
  std::string left;
  std::swap(left, directory);
  return left;
}

void Link::takeDirectory(const std::string &path) {
  std::string own = directory;
  directory = path;
  socket = directory + "/v.sock";
  if (own.empty()) return;
  // After its listeners have moved.
  dispatch_async(queue, ^{
    removeDirectory(own);
  });
}

Link::~Link() {
  vzl::forget(this);
  // A helper that has still to end removes it.
  if (!directory.empty() && !isHelped) removeDirectory(directory);
  dispatch_release(queue);
}

void Link::remember(int descriptor) {
  std::lock_guard<std::mutex> lock(mutex);
  connections.insert(descriptor);
}

void Link::forget(int descriptor) {
  std::lock_guard<std::mutex> lock(mutex);
  connections.erase(descriptor);
}

void Link::cutConnections() {
  std::lock_guard<std::mutex> lock(mutex);
  for (int descriptor : connections) shutdown(descriptor, SHUT_RDWR);
}
}
