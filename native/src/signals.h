// Threads of ours take no signals: a handler of the host program (Node's, a debugger's) must run on a thread that expects it.
#pragma once

#include <pthread.h>
#include <csignal>

namespace vzshell {

/** Blocks all signals on this thread, and so on every thread that it starts meanwhile. */
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked &) = delete;
  SignalsBlocked &operator=(const SignalsBlocked &) = delete;

 private:
  sigset_t before_;
};

}  // namespace vzshell
