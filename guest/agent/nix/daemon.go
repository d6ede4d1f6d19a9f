package nix

import (
	"bufio"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"vzagent/disk"
	"vzagent/journal"
	"vzagent/process"
	"vzagent/readiness"
)

// hopeless: a daemon that ends sooner than this after its start never served anybody.
const hopeless = time.Second

// environment is what Nix's daemon finds in its own.
var environment = []string{
	"HOME=/root", "USER=root", "LANG=C.UTF-8",
	"PATH=/nix/var/nix/profiles/default/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
}

// Daemon listens in nix-daemon's place until somebody comes.
type Daemon struct {
	Layers *Layers
	// Builds is where it builds.
	Builds string

	listener int
	caller   *readiness.Watch
	stopped  atomic.Bool
}

// Listen opens the socket and starts the daemon at the first connection, again and again if it dies. The agent itself accepts
// nothing: the daemon inherits the listening socket with the caller still in its queue.
func (d *Daemon) Listen() error {
	// Not through Go: its sockets are non-blocking, and nix-daemon's accept would spin on EAGAIN.
	socket, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Bind(socket, &unix.SockaddrUnix{Name: Socket})
	}
	if err == nil {
		err = unix.Chmod(Socket, 0o666)
	}
	if err == nil {
		err = unix.Listen(socket, 128)
	}
	if err != nil {
		return os.NewSyscallError("listen on "+Socket, err)
	}
	caller, err := readiness.New(socket, unix.EPOLLIN)
	if err != nil {
		return err
	}
	d.listener, d.caller = socket, caller
	go func() {
		for caller.Wait() == nil && !d.stopped.Load() {
			d.serve()
		}
	}()
	return nil
}

// Stop ends the listening. As long as the socket is open, the file system that it lies on cannot be unmounted.
func (d *Daemon) Stop() {
	d.stopped.Store(true)
	d.caller.Close()
	unix.Close(d.listener)
}

// serve runs one daemon to its end.
func (d *Daemon) serve() {
	began := time.Now()
	switch dropped, err := disk.DropBallast(d.Layers.Volume); {
	case err != nil:
		journal.Error("the ballast of the volume stays: %v", err)
	case dropped:
		journal.Info("the volume is full: its ballast was dropped")
	}
	daemon, err := d.start()
	if err != nil {
		journal.Error("cannot start nix-daemon: %v", err)
		d.refuse()
		return
	}
	journal.Info("nix-daemon started, pid %d", daemon.Pid)
	<-daemon.Done()
	if d.stopped.Load() {
		return
	}
	journal.Error("nix-daemon %s", process.Describe(daemon.Status()))
	if time.Since(began) < hopeless {
		d.refuse()
	}
}

// refuse closes whoever waits: otherwise a daemon that cannot start would be started for ever.
func (d *Daemon) refuse() {
	for {
		waiting := []unix.PollFd{{Fd: int32(d.listener), Events: unix.POLLIN}}
		if n, err := unix.Poll(waiting, 0); n < 1 || err != nil {
			return
		}
		if conn, _, err := unix.Accept4(d.listener, unix.SOCK_CLOEXEC); err == nil {
			unix.Close(conn)
		}
	}
}

// start hands the socket over as systemd would: descriptor 3, named by LISTEN_FDS and by LISTEN_PID, which must be the daemon's
// own pid. Nobody knows that before the fork, so the new process, still this program, sets it (see ExecAsListener).
func (d *Daemon) start() (*process.Child, error) {
	if err := d.Layers.Ready(); err != nil {
		return nil, err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer writer.Close()
	daemon, err := process.Start("/proc/self/exe",
		append([]string{"vzagent", ListenerMode}, d.Layers.daemonArguments("--daemon")...),
		&syscall.ProcAttr{
			Dir:   "/",
			Env:   append([]string{"TMPDIR=" + d.Builds, "LISTEN_FDS=1"}, environment...),
			Files: []uintptr{null.Fd(), writer.Fd(), writer.Fd(), uintptr(d.listener)},
			Sys:   &syscall.SysProcAttr{Setsid: true},
		})
	if err != nil {
		reader.Close()
		return nil, err
	}
	go func() {
		defer reader.Close()
		lines := bufio.NewReader(reader)
		for {
			line, _, err := lines.ReadLine()
			if err != nil {
				return
			}
			journal.Info("nix-daemon: %s", line)
		}
	}()
	return daemon, nil
}
