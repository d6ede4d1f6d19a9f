// Package events is the connection on which the agent tells the host what happens: one JSON object a line.
package events

import (
	"encoding/json"
	"io"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"vzagent/journal"
	"vzagent/protocol"
)

// waiting is how many events may wait for a host that does not read; past that they are dropped, so that nothing in the guest
// ever waits for the host's attention.
const waiting = 256

// Emitter sends events in order, from a goroutine of its own.
type Emitter struct {
	lines   chan []byte
	pending sync.WaitGroup
}

// New sends to conn.
func New(conn io.Writer) *Emitter {
	e := &Emitter{lines: make(chan []byte, waiting)}
	go func() {
		broken := false
		for line := range e.lines {
			if !broken {
				if _, err := conn.Write(line); err != nil {
					broken = true
					journal.Error("the host does not take events any more: %v", err)
				}
			}
			e.pending.Done()
		}
	}()
	return e
}

// Emit sends one event.
func (e *Emitter) Emit(event any) {
	line, err := json.Marshal(event)
	if err != nil || len(line) >= protocol.MaxEventLine {
		journal.Bug("an event of %d bytes cannot be sent: %v", len(line), err)
		return
	}
	e.pending.Add(1)
	select {
	case e.lines <- append(line, '\n'):
	default:
		e.pending.Done()
	}
}

// Flush waits until everything is sent, at most for patience.
func (e *Emitter) Flush(patience time.Duration) {
	sent := make(chan struct{})
	go func() {
		e.pending.Wait()
		close(sent)
	}()
	select {
	case <-sent:
	case <-time.After(patience):
	}
}

// Hello is the first line.
type Hello struct {
	Event    string `json:"event"`
	Protocol int    `json:"protocol"`
	Version  string `json:"version"`
	Arch     string `json:"arch"`
	BootMs   int64  `json:"bootMs"`
}

// Phase is a step of `configure` that is done.
type Phase struct {
	Event    string `json:"event"`
	Phase    string `json:"phase"`
	UptimeMs int64  `json:"uptimeMs"`
}

// Streams says how many streams are open, and were opened since boot, when the first becomes or ceases to be zero.
type Streams struct {
	Event  string `json:"event"`
	Active int    `json:"active"`
	Opened int    `json:"opened"`
}

// Trimmed says that the kernel was made to forget inodes of shares, and how many it remembered before and after.
type Trimmed struct {
	Event  string `json:"event"`
	Before int64  `json:"before"`
	After  int64  `json:"after"`
}

// Stopping says why the agent powers the machine off.
type Stopping struct {
	Event  string `json:"event"`
	Reason string `json:"reason"`
}

// Uptime is the time since boot in milliseconds, sleep included.
func Uptime() int64 {
	var now unix.Timespec
	unix.ClockGettime(unix.CLOCK_BOOTTIME, &now)
	return now.Sec*1000 + now.Nsec/1e6
}
