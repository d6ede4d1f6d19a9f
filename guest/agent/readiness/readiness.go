// Package readiness waits for a condition of a descriptor that belongs to somebody else, without reading from it and without
// a thread or a timer: the descriptor goes into an epoll set of its own, and Go's poller waits for that set.
package readiness

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Watch is one descriptor being watched.
type Watch struct {
	set *os.File
	raw syscall.RawConn
}

// New watches fd for events (EPOLLIN, EPOLLRDHUP, …). fd must stay open until the watch is closed.
func New(fd int, events uint32) (*Watch, error) {
	set, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err = unix.EpollCtl(set, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events}); err == nil {
		err = unix.SetNonblock(set, true)
	}
	if err != nil {
		unix.Close(set)
		return nil, os.NewSyscallError("epoll_ctl", err)
	}
	file := os.NewFile(uintptr(set), "epoll")
	raw, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil, err
	}
	return &Watch{set: file, raw: raw}, nil
}

// Wait returns nil when the condition holds, and an error once the watch is closed.
func (w *Watch) Wait() error {
	return w.raw.Read(func(set uintptr) bool {
		var events [1]unix.EpollEvent
		n, err := unix.EpollWait(int(set), events[:], 0)
		return n > 0 || (err != nil && err != unix.EINTR)
	})
}

// Close ends the watch and every Wait on it.
func (w *Watch) Close() { w.set.Close() }
