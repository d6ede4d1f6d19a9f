// Package journal is the agent's log: a bounded ring that `GET /v1/log` shows, and the kernel's log, from where the console gets
// what is serious. Never PID 1's stderr: under a driver whose console is full, a write there would block the agent.
package journal

import (
	"fmt"
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// limit of the ring in bytes.
const limit = 64 * 1024

// maxLine bounds one line: /dev/kmsg takes about 1000 bytes in a write.
const maxLine = 900

var ring struct {
	mutex sync.Mutex
	lines []string
	size  int
	sink  *os.File
	plain bool
}

// ToKernel sends the log to /dev/kmsg from now on. Call it when /dev is mounted.
func ToKernel() {
	if sink, err := os.OpenFile("/dev/kmsg", os.O_WRONLY, 0); err == nil {
		ring.sink = sink
	}
}

// ToFile sends the log to a file as plain lines: serve mode's stderr.
func ToFile(file *os.File) { ring.sink, ring.plain = file, true }

// Info notes something that happened.
func Info(format string, args ...any) { write(6, fmt.Sprintf(format, args...)) }

// Error notes something that went wrong; it appears on the console even under `quiet`.
func Error(format string, args ...any) { write(3, fmt.Sprintf(format, args...)) }

// Bug notes something that must never happen, in words that tests look for.
func Bug(format string, args ...any) { write(3, "BUG: "+fmt.Sprintf(format, args...)) }

func write(level int, text string) {
	text = strings.ToValidUTF8(strings.ReplaceAll(strings.TrimSpace(text), "\n", " | "), "?")
	if len(text) > maxLine {
		text = text[:maxLine] + "…"
	}
	var now unix.Timespec
	unix.ClockGettime(unix.CLOCK_BOOTTIME, &now)
	line := fmt.Sprintf("%d.%03d %s\n", now.Sec, now.Nsec/1e6, text)
	ring.mutex.Lock()
	defer ring.mutex.Unlock()
	ring.lines = append(ring.lines, line)
	for ring.size += len(line); ring.size > limit; ring.lines = ring.lines[1:] {
		ring.size -= len(ring.lines[0])
	}
	switch {
	case ring.sink == nil:
	case ring.plain:
		fmt.Fprintf(ring.sink, "vzagent: %s\n", text)
	default:
		fmt.Fprintf(ring.sink, "<%d>vzagent: %s\n", level, text)
	}
}

// Text returns what the ring holds.
func Text() string {
	ring.mutex.Lock()
	defer ring.mutex.Unlock()
	return strings.Join(ring.lines, "")
}
