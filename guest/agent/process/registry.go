// Package process starts programs and learns how they ended.
//
// PID 1 must reap orphans, but wait4(-1) would steal the status of our own children from whoever waits for them. So a single
// goroutine waits for everyone and hands each status to its owner. Nothing in the agent may use os/exec.
package process

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Child is a program that Start started.
type Child struct {
	Pid    int
	done   chan struct{}
	status unix.WaitStatus
}

// Done is closed when the program has ended.
func (c *Child) Done() <-chan struct{} { return c.done }

// Status says how it ended. Valid once Done is closed.
func (c *Child) Status() unix.WaitStatus { return c.status }

// SignalGroup sends a signal to the process group that the child leads. A group that is gone is no error.
func (c *Child) SignalGroup(signal unix.Signal) error {
	if err := unix.Kill(-c.Pid, signal); err != nil && err != unix.ESRCH {
		return os.NewSyscallError("kill", err)
	}
	return nil
}

var registry = struct {
	// Held for reading from fork until the child is in the map, so that the reaper cannot collect a child it does not know.
	starting  sync.RWMutex
	mutex     sync.Mutex
	children  map[int]*Child
	childless []chan struct{}
	begin     sync.Once
	wake      chan os.Signal
}{children: map[int]*Child{}, wake: make(chan os.Signal, 1)}

// Start runs a program. Of attr, everything is the caller's choice; the error is an errno.
func Start(path string, argv []string, attr *syscall.ProcAttr) (*Child, error) {
	Reap()
	registry.starting.RLock()
	defer registry.starting.RUnlock()
	pid, err := syscall.ForkExec(path, argv, attr)
	if err != nil {
		return nil, err
	}
	child := &Child{Pid: pid, done: make(chan struct{})}
	registry.mutex.Lock()
	registry.children[pid] = child
	registry.mutex.Unlock()
	return child, nil
}

// Reap begins to collect every child of this process, orphans that PID 1 inherits included. Calling it again does nothing.
func Reap() {
	registry.begin.Do(func() {
		signal.Notify(registry.wake, unix.SIGCHLD)
		go func() {
			for {
				reapAll()
				<-registry.wake
			}
		}()
	})
}

// reapAll collects all that have ended. SIGCHLD is one bit, not a count: hence the loop.
func reapAll() {
	registry.starting.Lock()
	defer registry.starting.Unlock()
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
		if err == unix.EINTR {
			continue
		}
		registry.mutex.Lock()
		if err == unix.ECHILD {
			for _, waiter := range registry.childless {
				close(waiter)
			}
			registry.childless = nil
		}
		child := registry.children[pid]
		delete(registry.children, pid)
		registry.mutex.Unlock()
		if err != nil || pid <= 0 {
			return
		}
		if child != nil {
			child.status = status
			close(child.done)
		}
	}
}

// WaitChildless waits until this process has no child at all; false when patience ran out first.
func WaitChildless(patience time.Duration) bool {
	Reap()
	gone := make(chan struct{})
	registry.mutex.Lock()
	registry.childless = append(registry.childless, gone)
	registry.mutex.Unlock()
	select {
	case registry.wake <- unix.SIGCHLD:
	default:
	}
	select {
	case <-gone:
		return true
	case <-time.After(patience):
		return false
	}
}
