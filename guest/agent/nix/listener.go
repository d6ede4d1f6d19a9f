package nix

import (
	"errors"
	"os"
	"strconv"
	"syscall"
)

// ListenerMode is the first argument of this program when it shall become a program with LISTEN_PID set.
const ListenerMode = "exec-as-listener"

// ExecAsListener becomes argv, with LISTEN_PID naming it. A shell would do, but costs 100 ms more under emulation.
func ExecAsListener(argv []string) error {
	if len(argv) == 0 {
		return errors.New("what shall run?")
	}
	return syscall.Exec(argv[0], argv, append(os.Environ(), "LISTEN_PID="+strconv.Itoa(os.Getpid())))
}
