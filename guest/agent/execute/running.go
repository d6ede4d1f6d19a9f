package execute

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"vzagent/fault"
	"vzagent/process"
)

// running are the programs of all open streams by pid. Frames queue behind input that a program does not read; what comes by
// pid does not.
var running = struct {
	mutex    sync.Mutex
	programs map[int]program
}{programs: map[int]program{}}

// program is what can be done to one from outside; terminal is nil without a pty.
type program struct {
	child    *process.Child
	terminal *os.File
}

// enter makes a program known until leave is called. It happens before the host hears of the pid.
func enter(p program) (leave func()) {
	running.mutex.Lock()
	defer running.mutex.Unlock()
	running.programs[p.child.Pid] = p
	return func() {
		running.mutex.Lock()
		defer running.mutex.Unlock()
		delete(running.programs, p.child.Pid)
	}
}

// with runs work on a program that cannot leave meanwhile: its pid cannot belong to anybody else.
func with(pid int, work func(program) error) error {
	running.mutex.Lock()
	defer running.mutex.Unlock()
	p, found := running.programs[pid]
	if !found {
		return fault.New("ESRCH", "no stream has a program with the pid %d", pid)
	}
	return work(p)
}

// SignalByPid sends a signal to the process group of the program that a stream started.
func SignalByPid(pid int, signal string) error {
	number := unix.SignalNum(signal)
	if number == 0 {
		return fault.New(fault.BadRequest, "there is no signal %q", signal)
	}
	return with(pid, func(p program) error { return p.child.SignalGroup(number) })
}

// ResizeByPid sets the size of the terminal of the program that a stream started.
func ResizeByPid(pid int, size *Terminal) error {
	return with(pid, func(p program) error {
		if p.terminal == nil {
			return fault.New(fault.BadRequest, "the program with the pid %d has no terminal", pid)
		}
		setSize(p.terminal, size)
		return nil
	})
}
