package inodes

import (
	"sync/atomic"
	"time"

	"vzagent/journal"
)

// Watch trims the inodes of shares when there are too many. It looks while streams are open or the number grows, and ten seconds more;
// in a guest where nothing happens it looks only when it is told to, and has no timer.
type Watch struct {
	limit   int64
	trimmed func(before, after int64)
	count   func() (int64, error)
	drop    func() error
	busy    atomic.Bool
	active  chan struct{}
	look    chan struct{}
	// before is how many there were before the last trim, until it is known how many it has left.
	before int64
}

// Start watches for the life of the machine. limit is how many inodes the host can bear; trimmed is called after each trim.
func Start(limit int64, trimmed func(before, after int64)) *Watch {
	w := newWatch(limit, trimmed, Count, Drop)
	go w.runUntil(nil)
	return w
}

func newWatch(limit int64, trimmed func(before, after int64), count func() (int64, error), drop func() error) *Watch {
	return &Watch{
		limit: limit, trimmed: trimmed, count: count, drop: drop,
		active: make(chan struct{}, 1), look: make(chan struct{}, 1),
	}
}

// Busy says whether streams are open. It costs the stream nothing: the first look comes later. A nil watch watches nothing.
func (w *Watch) Busy(busy bool) {
	if w == nil {
		return
	}
	w.busy.Store(busy)
	if busy {
		poke(w.active)
	}
}

// Look makes it look soon.
func (w *Watch) Look() {
	if w != nil {
		poke(w.look)
	}
}

func poke(channel chan struct{}) {
	select {
	case channel <- struct{}{}:
	default:
	}
}

func (w *Watch) runUntil(stop <-chan struct{}) {
	limit := newThreshold(w.limit)
	timer := time.NewTimer(longest)
	timer.Stop()
	ticking, last, happened := false, int64(0), time.Now()
	for {
		select {
		case <-w.active:
			if !ticking {
				timer.Reset(limit.wait(last))
				ticking = true
			}
			continue
		case <-stop:
			return
		case <-w.look:
		case <-timer.C:
		}
		now, err := w.step(limit)
		if err != nil {
			journal.Error("the inodes of shares are not watched any more: %v", err)
			return
		}
		// What went into the background has no stream.
		if w.busy.Load() || now > last+last/64 {
			happened = time.Now()
		}
		ticking, last = w.before > 0 || time.Since(happened) < longest, now
		timer.Stop()
		if ticking {
			timer.Reset(limit.wait(now))
		}
	}
}

// step looks once, and trims if there are too many. It returns how many there were.
func (w *Watch) step(limit *threshold) (int64, error) {
	count, err := w.count()
	if err != nil {
		return 0, err
	}
	// What a trim has left is seen with the next look: the kernel takes a moment to give the memory of inodes back.
	if before := w.before; before > 0 {
		w.before = 0
		limit.trimmed(count)
		journal.Info("%d inodes of shares were remembered, %d are left", before, count)
		w.trimmed(before, count)
	}
	limit.left(count)
	if limit.exceeded(count) {
		w.before = count
		err = w.drop()
	}
	return count, err
}
