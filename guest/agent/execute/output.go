package execute

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"vzagent/protocol"
	"vzagent/stream"
)

// silence: how long after the program's end nobody may write before its output counts as over. A background child may hold the
// pipe for ever.
const silence = 500 * time.Millisecond

// output carries what a program writes to the host.
type output struct {
	stream  *stream.Stream
	files   []*os.File
	pumps   sync.WaitGroup
	ended   atomic.Bool
	written atomic.Int64 // when somebody last wrote, in nanoseconds of the monotonic clock since began
	began   time.Time
}

func (o *output) pump(file *os.File, kind protocol.FrameType) {
	o.files = append(o.files, file)
	o.pumps.Go(func() {
		buffer := make([]byte, protocol.MaxWrite)
		for {
			if o.ended.Load() {
				file.SetReadDeadline(time.Now().Add(silence))
			}
			n, err := readOutput(file, buffer[protocol.HeaderSize:])
			if n > 0 {
				o.written.Store(int64(time.Since(o.began)))
				if o.stream.SendBuffer(kind, buffer, n) != nil {
					return
				}
			}
			if errors.Is(err, os.ErrDeadlineExceeded) {
				if time.Since(o.began)-time.Duration(o.written.Load()) < silence {
					continue // the other pipe is still in use
				}
				return
			}
			if err != nil {
				return // EOF; EIO of a pty whose slaves are all closed
			}
		}
	})
}

// drain waits for the end of the output, or for silence. The program has ended.
func (o *output) drain() {
	o.ended.Store(true)
	for _, file := range o.files {
		file.SetReadDeadline(time.Now().Add(silence)) // wakes a pump that began to read before
	}
	o.pumps.Wait()
}

// readOutput reads what there is, or waits for it. A machine that stood still past a deadline finds the deadline before the bytes that
// came in time, so what is there already is read all the same.
func readOutput(file *os.File, p []byte) (int, error) {
	n, err := file.Read(p)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err
	}
	raw, failed := file.SyscallConn()
	if failed != nil {
		return 0, err
	}
	raw.Control(func(fd uintptr) { n, _ = unix.Read(int(fd), p) }) // it is non-blocking
	if n > 0 {
		return n, nil
	}
	return 0, err
}
