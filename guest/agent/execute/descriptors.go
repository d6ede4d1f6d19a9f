package execute

import (
	"os"

	"golang.org/x/sys/unix"

	"vzagent/account"
)

// descriptors are both ends of everything that connects the agent with one program.
type descriptors struct {
	// child holds the program's descriptors by number; -1 is closed there.
	child []int
	// The agent's ends. stderr is nil with a pty, stdin nil without input; with a pty stdin and stdout are the same file.
	stdin, stdout, stderr *os.File
	// given are the child's ends, to be closed when it has them.
	given []int
}

func openDescriptors(r *Request, user *account.User) (d *descriptors, err error) {
	d = &descriptors{}
	defer func() {
		if err != nil {
			d.closeGiven()
			d.closeOurs()
		}
	}()
	if r.Pty != nil {
		master, slave, err := openPty(r.Pty, user)
		if err != nil {
			return d, err
		}
		d.stdin, d.stdout = master, master
		d.given = append(d.given, slave)
		d.child = []int{slave, slave, slave}
	} else if err = d.openPipes(r.Stdin == nil || *r.Stdin); err != nil {
		return d, err
	}
	for _, file := range r.Files {
		fd, err := memoryFile(file.Data)
		if err != nil {
			return d, err
		}
		d.given = append(d.given, fd)
		for len(d.child) <= file.Fd {
			d.child = append(d.child, -1)
		}
		d.child[file.Fd] = fd
	}
	return d, nil
}

// pipeSize in bytes: the fewer turns agent and program have to take, the less they cost.
const pipeSize = 1 << 20

func (d *descriptors) openPipes(withInput bool) (err error) {
	input := -1
	if withInput {
		input, d.stdin, err = d.pipe(0)
	} else if input, err = unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
		d.given = append(d.given, input)
	}
	if err != nil {
		return os.NewSyscallError("stdin", err)
	}
	var output, errors int
	if output, d.stdout, err = d.pipe(1); err == nil {
		errors, d.stderr, err = d.pipe(1)
	}
	d.child = []int{input, output, errors}
	return os.NewSyscallError("pipe", err)
}

// pipe makes a pipe of whose ends the child gets the one numbered childEnd (0 reads, 1 writes). Only ours is non-blocking:
// a program that found O_NONBLOCK on its stdin would fail with EAGAIN.
func (d *descriptors) pipe(childEnd int) (child int, ours *os.File, err error) {
	var ends [2]int
	if err = unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return -1, nil, err
	}
	d.given = append(d.given, ends[childEnd])
	unix.SetNonblock(ends[1-childEnd], true)
	unix.FcntlInt(uintptr(ends[0]), unix.F_SETPIPE_SZ, pipeSize) // as it is when the system allows no more
	return ends[childEnd], os.NewFile(uintptr(ends[1-childEnd]), "pipe"), nil
}

// memoryFile holds content that never was on a disk. Its mode allows everybody to open /dev/fd/N again.
func memoryFile(content string) (int, error) {
	fd, err := unix.MemfdCreate("vzshell", unix.MFD_CLOEXEC)
	if err != nil {
		return -1, os.NewSyscallError("memfd_create", err)
	}
	for rest := []byte(content); len(rest) > 0 && err == nil; {
		var n int
		n, err = unix.Write(fd, rest)
		rest = rest[max(n, 0):]
	}
	if err == nil {
		_, err = unix.Seek(fd, 0, 0)
	}
	if err != nil {
		unix.Close(fd)
		return -1, os.NewSyscallError("write", err)
	}
	return fd, nil
}

func (d *descriptors) files() []uintptr {
	list := make([]uintptr, len(d.child))
	for i, fd := range d.child {
		list[i] = uintptr(fd)
	}
	return list
}

func (d *descriptors) closeGiven() {
	for _, fd := range d.given {
		unix.Close(fd)
	}
	d.given = nil
}

func (d *descriptors) closeOurs() {
	for _, file := range []*os.File{d.stdin, d.stdout, d.stderr} {
		if file != nil {
			file.Close()
		}
	}
}
