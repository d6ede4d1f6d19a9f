package stream

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"

	"vzagent/fault"
	"vzagent/readiness"
)

// queued is how many DATA frames wait for a slow receiver before the agent stops reading from the host.
const queued = 4

// ErrGone: the host closed while its data could not be delivered.
var ErrGone = errors.New("the host closed the connection")

// Inflow carries DATA from the host to a writer in the guest that may be slow, or never read at all. The queue is bounded: when
// it is full the host is held back by the connection's own flow control, and only then is the connection watched for its end,
// because nobody reads from it.
type Inflow struct {
	stream *Stream
	chunks chan []byte
	ended  bool
	done   chan struct{}
	err    error
}

// NewInflow starts to write to target. end runs once, after the last byte or after target refused one.
func (s *Stream) NewInflow(target io.Writer, end func()) *Inflow {
	in := &Inflow{stream: s, chunks: make(chan []byte, queued), done: make(chan struct{})}
	go func() {
		in.err = in.deliver(target)
		end()
		close(in.done)
		// Once the target refused a chunk everything is dropped, as a pipe without a reader would.
		for chunk := range in.chunks {
			s.Took(chunk)
		}
	}()
	return in
}

func (in *Inflow) deliver(target io.Writer) error {
	for chunk := range in.chunks {
		_, err := target.Write(chunk)
		in.stream.Took(chunk)
		if err != nil {
			return err
		}
	}
	return nil
}

// Push hands over one chunk. Push and End belong to the one goroutine that reads frames.
func (in *Inflow) Push(chunk []byte) error {
	if in.ended {
		return fault.New(fault.BadRequest, "DATA came after EOF")
	}
	select {
	case in.chunks <- chunk:
		return nil
	default:
	}
	hangup, err := in.stream.watchHangup()
	if err != nil {
		return err
	}
	defer hangup.Close()
	gone := make(chan struct{})
	go func() {
		if hangup.Wait() == nil {
			close(gone)
		}
	}()
	select {
	case in.chunks <- chunk:
		return nil
	case <-gone:
		return ErrGone
	}
}

// End says that no chunk follows.
func (in *Inflow) End() {
	if !in.ended {
		in.ended = true
		close(in.chunks)
	}
}

// Wait returns when everything is written, or why not.
func (in *Inflow) Wait() error {
	<-in.done
	return in.err
}

func (s *Stream) watchHangup() (*readiness.Watch, error) {
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	var watch *readiness.Watch
	if controlErr := raw.Control(func(fd uintptr) { watch, err = readiness.New(int(fd), unix.EPOLLRDHUP) }); controlErr != nil {
		return nil, controlErr
	}
	return watch, err
}
