package execute

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"vzagent/account"
	"vzagent/guest"
	"vzagent/process"
	"vzagent/protocol"
	"vzagent/stream"
)

// mercy is the time between the first, polite signal and SIGKILL.
const mercy = 5 * time.Second

// Run serves one exec. An error is what the ERROR frame shall say.
func Run(s *stream.Stream, g *guest.Guest, start []byte) (any, error) {
	var r Request
	if err := stream.Decode(start, &r); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	user, err := g.As(r.User)
	if err != nil {
		return nil, err
	}
	if len(r.Requires) > 0 {
		if err := user.WithFiles(r.checkRequired); err != nil {
			return nil, err
		}
	}
	env := r.environment(g, user)
	if len(r.TempDir) > 0 {
		dir, err := makeTempDir(env["TMPDIR"], user)
		if err != nil {
			return nil, err
		}
		defer removeTempDir(dir, user)
		for _, name := range r.TempDir {
			env[name] = dir
		}
	}
	d, err := openDescriptors(&r, user)
	if err != nil {
		return nil, err
	}
	defer d.closeOurs()
	cwd := r.Cwd
	if cwd == "" {
		cwd = homeOrRoot(user)
	}
	child, err := launch(r.Argv, env["PATH"], user, &syscall.ProcAttr{
		Dir: cwd, Env: pairs(env), Files: d.files(),
		Sys: &syscall.SysProcAttr{Setsid: true, Setctty: r.Pty != nil, Credential: user.Credential()},
	})
	d.closeGiven()
	if err != nil {
		return nil, err
	}
	return supervise(s, &r, d, child), nil
}

// homeOrRoot is where a program starts that named no directory. Not every user, nobody for one, has a home.
func homeOrRoot(user *account.User) string {
	if info, err := os.Stat(user.Home); err != nil || !info.IsDir() {
		return "/"
	}
	return user.Home
}

// supervise carries bytes and signals until the program has ended, however that comes about.
func supervise(s *stream.Stream, r *Request, d *descriptors, child *process.Child) Result {
	known := program{child: child}
	if r.Pty != nil {
		known.terminal = d.stdout
	}
	defer enter(known)()
	s.SendJSON(protocol.Started, map[string]int{"pid": child.Pid})
	out := &output{stream: s, began: time.Now()}
	out.pump(d.stdout, protocol.Data)
	if d.stderr != nil {
		out.pump(d.stderr, protocol.Stderr)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		obey(s, r, d, child)
	}()
	timeout := newDeadline(r, child)
	defer timeout.stop()
	vanished := func() {
		// Whoever asked for this is gone: the terminal, or the pipe, is hung up.
		child.SignalGroup(unix.SIGHUP)
		child.SignalGroup(unix.SIGCONT)
		time.AfterFunc(mercy, func() { child.SignalGroup(unix.SIGKILL) })
		d.closeOurs()
	}
	select {
	case <-child.Done():
	case <-gone:
		vanished()
		<-child.Done()
		return result(child, timeout)
	}
	drained := make(chan struct{})
	go func() {
		out.drain()
		close(drained)
	}()
	select {
	case <-drained:
	case <-gone:
		vanished()
	}
	return result(child, timeout)
}

// obey does what the host's frames say, and returns when the host is gone or talks nonsense.
func obey(s *stream.Stream, r *Request, d *descriptors, child *process.Child) {
	input := newInput(s, r, d)
	defer input.End()
	for {
		frame, err := s.Next()
		if err != nil {
			return
		}
		switch frame.Type {
		case protocol.Data:
			err = input.Push(frame.Payload)
		case protocol.EOF:
			input.End()
		case protocol.Resize:
			var size Terminal
			if err = stream.Decode(frame.Payload, &size); err == nil && r.Pty != nil {
				setSize(d.stdout, &size) // the terminal may be closed already: nobody is there to see its size
			}
		case protocol.Signal:
			var request struct{ Signal string }
			if err = stream.Decode(frame.Payload, &request); err == nil {
				if number := unix.SignalNum(request.Signal); number != 0 {
					child.SignalGroup(number)
				}
			}
		default:
			return
		}
		if err != nil {
			return
		}
	}
}

// newInput carries DATA to the program. At its end a pipe is closed; a terminal is told in its own way, by ^D.
func newInput(s *stream.Stream, r *Request, d *descriptors) *stream.Inflow {
	switch {
	case r.Pty != nil:
		return s.NewInflow(d.stdin, func() { d.stdin.Write([]byte{4}) })
	case d.stdin != nil:
		return s.NewInflow(d.stdin, func() { d.stdin.Close() })
	}
	return s.NewInflow(discard{}, func() {})
}

// discard is the input of a program that asked for none.
type discard struct{}

func (discard) Write([]byte) (int, error) { return 0, os.ErrClosed }

func result(child *process.Child, timeout *deadline) Result {
	status, r := child.Status(), Result{TimedOut: timeout.hit.Load()}
	if status.Signaled() {
		name := process.SignalName(status.Signal())
		r.Signal = &name
	} else {
		code := status.ExitStatus()
		r.Code = &code
	}
	return r
}
