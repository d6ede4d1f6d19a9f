package execute

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"vzagent/process"
)

// deadline is the enforcement of `timeoutMs`, in the guest: it holds even when the host cannot reach us.
type deadline struct {
	timer *time.Timer
	hit   atomic.Bool
}

// newDeadline starts the clock. At its end the whole process group gets the request's signal, and SIGKILL a mercy later even if
// the leader has obeyed by then: its children may not have.
func newDeadline(r *Request, child *process.Child) *deadline {
	d := &deadline{}
	if r.TimeoutMs <= 0 {
		return d
	}
	signal := unix.SIGTERM
	if r.KillSignal != "" {
		signal = unix.SignalNum(r.KillSignal)
	}
	d.timer = time.AfterFunc(time.Duration(r.TimeoutMs)*time.Millisecond, func() {
		d.hit.Store(true)
		child.SignalGroup(signal)
		time.AfterFunc(mercy, func() { child.SignalGroup(unix.SIGKILL) })
	})
	return d
}

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
	}
}
