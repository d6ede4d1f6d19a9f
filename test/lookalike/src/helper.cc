#include "helper.h"
#include "counters.h"
#include "io.h"
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <spawn.h>
#include <sstream>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

extern char **environ;

namespace vzl {
namespace {
/** Environment of the helper: what a sanitizer preloads into us is not for it. */
std::vector<char *> environment() {
  std::vector<char *> kept;
  for (char **entry = environ; *entry != nullptr; entry++) {
    if (std::string(*entry).rfind("LD_PRELOAD=", 0) != 0) kept.push_back(*entry);
  }
  kept.push_back(nullptr);
  return kept;
}

int spawnHelper(pid_t *pid, int input, int output, int channel) {
  const char *command = getenv("VZ_LOOKALIKE_HELPER");
  if (command == nullptr) return ENOENT;
  int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, channel, 3);
  posix_spawn_file_actions_adddup2(&files, input >= 0 ? input : nothing, 0);
  posix_spawn_file_actions_adddup2(&files, output >= 0 ? output : nothing, 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  // Our threads block every signal and Node ignores SIGPIPE: both would be inherited.
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  // A session of its own: a process group that is orphaned while QEMU is stopped gets SIGHUP, which would end the helper before it
  // has cleaned up.
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  std::istringstream words(command);
  std::vector<std::string> arguments;
  for (std::string word; words >> word;) arguments.push_back(word);
  std::vector<char *> argv;
  for (auto &argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  int failed = argv[0] == nullptr ? ENOENT : posix_spawnp(pid, argv[0], &files, &attributes, argv.data(), environment().data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  close(nothing);
  return failed;
}

/** True at the end of what it says. */
bool readLines(Helper &helper) {
  char bytes[4096];
  ssize_t count;
  while ((count = recv(helper.channel, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) helper.buffer.append(bytes, count);
  for (size_t end; (end = helper.buffer.find('\n')) != std::string::npos; helper.buffer.erase(0, end + 1)) {
    if (helper.onLine) helper.onLine(helper.buffer.substr(0, end));
  }
  return count == 0;
}

// Only this pid is waited for: libuv waits for its own, and nobody may take another's child.
void onExit(const std::shared_ptr<Helper> &helper) {
  siginfo_t info{};
  if (waitid((idtype_t)3 /* P_PIDFD */, helper->pidDescriptor, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) return;
  // Its last words come before its end.
  readLines(*helper);
  ioUnwatch(helper->channel);
  ioUnwatch(helper->pidDescriptor);
  helper->pid = -1;
  auto onGone = std::move(helper->onGone);
  helper->onLine = nullptr;
  if (onGone) onGone(info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status);
}
}

std::shared_ptr<Helper> startHelper(int input, int output, OnLine onLine, OnGone onGone, int *failed) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    *failed = errno;
    return nullptr;
  }
  auto helper = std::make_shared<Helper>();
  helper->channel = pair[0];
  vzlCount(VZLCounter::helpers, 1);
  *failed = spawnHelper(&helper->pid, input, output, pair[1]);
  close(pair[1]);
  if (*failed != 0) return nullptr;
  helper->onLine = std::move(onLine);
  helper->onGone = std::move(onGone);
  helper->pidDescriptor = (int)syscall(SYS_pidfd_open, helper->pid, 0);
  ioPost([helper] {
    ioWatch(helper->channel, [helper] {
      if (readLines(*helper)) ioUnwatch(helper->channel);
    });
    ioWatch(helper->pidDescriptor, [helper] { onExit(helper); });
  });
  return helper;
}

void listenTo(const std::shared_ptr<Helper> &helper, OnLine onLine, OnGone onGone) {
  ioPost([=] {
    if (helper->pid < 0) {
      onGone(0);
      return;
    }
    helper->onLine = onLine;
    helper->onGone = onGone;
  });
}

Helper::~Helper() {
  vzlCount(VZLCounter::helpers, -1);
  if (channel >= 0) close(channel);
  if (pidDescriptor >= 0) close(pidDescriptor);
}

void Helper::send(const std::string &line) {
  std::string whole = line + "\n";
  (void)!::send(channel, whole.data(), whole.size(), MSG_NOSIGNAL);
}

void Helper::hangUp() { shutdown(channel, SHUT_RDWR); }

void Helper::kill() {
  if (pidDescriptor >= 0) syscall(SYS_pidfd_send_signal, pidDescriptor, SIGKILL, nullptr, 0);
}
}
