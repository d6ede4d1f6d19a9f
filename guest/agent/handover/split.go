// Package handover is the profile `systemd` (guest/CONTRACT.md 6): process 1 lends the boot to the agent, a child of its own, then enters
// the root that the agent made and becomes systemd. The agent goes on as it was, so no connection and no mount changes hands.
package handover

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// AgentMode is the first argument of the agent that process 1 started.
	AgentMode = "machine"
	// linkFd is the agent's end of the socket to process 1.
	linkFd = 3
	// program is process 1 from then on.
	program = "/sbin/init"
	// entered is what process 1 answers when it is in the new root.
	entered = 'e'
)

// Split is the life of process 1 until it is systemd. It returns only when that cannot be, with the reason.
func Split() error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socketpair", err)
	}
	ours, theirs := pair[0], pair[1]
	// systemd, when it kills what is left at the end, spares processes whose name begins with @: the agent is needed until the last
	// file system is unmounted.
	_, err = syscall.ForkExec("/proc/self/exe", []string{"@vzagent", AgentMode}, &syscall.ProcAttr{
		Dir: "/", Env: os.Environ(), Files: []uintptr{0, 1, 2, uintptr(theirs)}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	unix.Close(theirs)
	if err != nil {
		return fmt.Errorf("cannot start the agent: %w", err)
	}
	root, err := receive(ours)
	if err != nil {
		return err
	}
	if err := enter(root); err != nil {
		return err
	}
	// The agent says `ready` only behind this.
	if _, err := unix.Write(ours, []byte{entered}); err != nil {
		return os.NewSyscallError("write", err)
	}
	err = syscall.Exec(program, []string{program}, []string{"PATH=/run/current-system/sw/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "TERM=linux"})
	return fmt.Errorf("cannot become %s: %w", program, err)
}

// receive waits for the root's directory. An agent that ends first has switched the machine off, or has crashed.
func receive(socket int) (root int, err error) {
	control := make([]byte, unix.CmsgSpace(4))
	var data [1]byte
	for {
		_, n, _, _, err := unix.Recvmsg(socket, data[:], control, unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return -1, os.NewSyscallError("recvmsg", err)
		}
		messages, err := unix.ParseSocketControlMessage(control[:n])
		if err != nil || len(messages) == 0 {
			return -1, errors.New("the agent ended before there was a root")
		}
		fds, err := unix.ParseUnixRights(&messages[0])
		if err != nil || len(fds) != 1 {
			return -1, errors.New("the agent sent no root")
		}
		return fds[0], nil
	}
}

// enter makes dir the root of this process: the agent's chroot was its own.
func enter(dir int) error {
	if err := unix.Fchdir(dir); err != nil {
		return os.NewSyscallError("fchdir", err)
	}
	if err := unix.Chroot("."); err != nil {
		return os.NewSyscallError("chroot", err)
	}
	return unix.Close(dir)
}
