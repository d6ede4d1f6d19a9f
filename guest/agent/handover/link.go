package handover

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"vzagent/journal"
)

const (
	// exitDir is where systemd looks for the program that ends the machine behind it. It becomes the root then.
	exitDir = "/run/initramfs"
	// lastProgram unmounts what systemd could not, because it runs from there.
	lastProgram = exitDir + "/shutdown"
	// serviceProgram is what the image's unit runs.
	serviceProgram = "/run/vzshell/vzagent"
	pidFile        = "/run/vzshell/agent.pid"
	// patience bounds the boot of systemd; under emulation it takes half a minute.
	patience = 3 * time.Minute
)

// powerOffSignal is SIGRTMIN+4 as glibc counts: systemd starts poweroff.target.
const powerOffSignal = unix.Signal(34 + 4)

// Link is the agent's side: process 1 at its other end, until that is systemd.
type Link struct {
	socket  int
	adopted chan os.Signal
	given   bool
	// dir holds the pid file; it is out of reach by name once systemd has left the root.
	dir *os.File
}

// Parent is the process 1 that started this agent. Orphans of what the agent starts come to the agent, as they would if it were
// process 1: otherwise nobody would know when all of them are gone.
func Parent() *Link {
	unix.CloseOnExec(linkFd)
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		journal.Error("orphans go to process 1: %v", err)
	}
	l := &Link{socket: linkFd, adopted: make(chan os.Signal, 1)}
	signal.Notify(l.adopted, unix.SIGUSR1)
	return l
}

// Give makes process 1 systemd, in this process's root, and returns when systemd has reached the agent's own unit.
func (l *Link) Give() error {
	if err := install(); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(pidFile))
	if err != nil {
		return err
	}
	l.dir = dir
	root, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: "/", Err: err}
	}
	defer unix.Close(root)
	if err := unix.Sendmsg(l.socket, []byte{0}, unix.UnixRights(root), nil, 0); err != nil {
		return os.NewSyscallError("sendmsg", err)
	}
	l.given = true
	var answer [1]byte
	if n, err := unix.Read(l.socket, answer[:]); err != nil || n != 1 || answer[0] != entered {
		return fmt.Errorf("process 1 did not enter the root: %v", err)
	}
	select {
	case <-l.adopted:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("systemd did not start vzagent.service within %v; the console's log says what it did instead", patience)
	}
}

// Given says whether process 1 is systemd: from then on only that ends the machine.
func (l *Link) Given() bool { return l != nil && l.given }

// PowerOff asks systemd to end the machine.
func (l *Link) PowerOff() error {
	return os.NewSyscallError("kill", unix.Kill(1, powerOffSignal))
}

// Leave tells the last process 1 that nothing of the agent keeps a file system busy any more. The agent itself stays: the host takes
// the end of its connection for the end of the machine.
func (l *Link) Leave() error {
	return os.NewSyscallError("unlinkat", unix.Unlinkat(int(l.dir.Fd()), filepath.Base(pidFile), 0))
}

// install puts this program where systemd's unit and systemd's last step expect it.
func install() error {
	if err := os.MkdirAll(exitDir, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"dev", "proc", "sys", "run", "oldroot"} {
		if err := os.MkdirAll(filepath.Join(exitDir, name), 0o755); err != nil {
			return err
		}
	}
	if err := copyProgram(lastProgram); err != nil {
		return err
	}
	if err := os.Symlink(lastProgram, serviceProgram); err != nil {
		return err
	}
	return os.WriteFile(pidFile, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644)
}

func copyProgram(to string) error {
	from, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer from.Close()
	file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, from); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}
