package execute

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"vzagent/account"
)

// ttyGroup owns terminals on Debian and NixOS alike (`mount -t devpts -o gid=5`).
const ttyGroup = 5

// openPty returns the master, pollable, and the descriptor of the slave, which belongs to the user.
func openPty(size *Terminal, user *account.User) (master *os.File, slave int, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, -1, os.NewSyscallError("open /dev/ptmx", err)
	}
	master = os.NewFile(uintptr(fd), "/dev/ptmx")
	slave = -1
	if err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err == nil {
		var number int
		if number, err = unix.IoctlGetInt(fd, unix.TIOCGPTN); err == nil {
			slave, err = unix.Open("/dev/pts/"+strconv.Itoa(number), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
		}
	}
	if err == nil {
		err = setSize(master, size)
	}
	if err == nil && user.Credential() != nil {
		// gpg, ssh and screen open their terminal by name: it must be the user's own
		err = unix.Fchown(slave, int(user.UID), ttyGroup)
	}
	if err != nil {
		if slave >= 0 {
			unix.Close(slave)
		}
		master.Close()
		return nil, -1, os.NewSyscallError("pty", err)
	}
	return master, slave, nil
}

// setSize tells the terminal its size; the kernel sends SIGWINCH to its foreground group.
func setSize(master *os.File, size *Terminal) error {
	raw, err := master.SyscallConn()
	if err != nil {
		return err
	}
	controlErr := raw.Control(func(fd uintptr) {
		err = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: size.Rows, Col: size.Cols})
	})
	if controlErr != nil {
		return controlErr
	}
	return err
}
