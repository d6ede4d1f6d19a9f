package inodes

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fakeKernel counts what a test says it does; what is open cannot be forgotten.
type fakeKernel struct {
	mutex sync.Mutex
	kernelState
}

type kernelState struct {
	remembered, open int64
	looks, drops     int
}

func (k *fakeKernel) count() (int64, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.looks++
	return k.remembered, nil
}

func (k *fakeKernel) drop() error {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.drops++
	k.remembered = k.open
	return nil
}

// grow remembers more inodes, of which so many are in use.
func (k *fakeKernel) grow(remembered, open int64) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.remembered += remembered
	k.open += open
}

func (k *fakeKernel) now() kernelState {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	return k.kernelState
}

// trims is what the host was told.
type trims struct {
	mutex sync.Mutex
	told  [][2]int64
}

func (r *trims) add(before, after int64) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.told = append(r.told, [2]int64{before, after})
}

func (r *trims) number() int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return len(r.told)
}

func (r *trims) last() [2]int64 {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if len(r.told) == 0 {
		return [2]int64{}
	}
	return r.told[len(r.told)-1]
}

// watched runs test beside a watch with this limit, in a bubble of its own time.
func watched(t *testing.T, limit int64, test func(t *testing.T, kernel *fakeKernel, watch *Watch, told *trims)) {
	synctest.Test(t, func(t *testing.T) {
		kernel, told := &fakeKernel{}, &trims{}
		watch := newWatch(limit, told.add, kernel.count, kernel.drop)
		stop := make(chan struct{})
		defer close(stop)
		go watch.runUntil(stop)
		synctest.Wait()
		test(t, kernel, watch, told)
	})
}

func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestAGuestWhereNothingHappensIsNotLookedAt(t *testing.T) {
	watched(t, 20_000, func(t *testing.T, kernel *fakeKernel, watch *Watch, _ *trims) {
		pass(time.Hour)
		if looks := kernel.now().looks; looks != 0 {
			t.Fatalf("%d looks", looks)
		}
		watch.Busy(true)
		pass(10 * time.Second)
		watch.Busy(false)
		pass(20 * time.Second)
		seen := kernel.now().looks
		pass(time.Hour)
		if looks := kernel.now().looks; seen == 0 || looks != seen {
			t.Fatalf("%d looks, then %d", seen, looks)
		}
	})
}

func TestTooManyAreTrimmedWhileACommandRuns(t *testing.T) {
	watched(t, 20_000, func(t *testing.T, kernel *fakeKernel, watch *Watch, told *trims) {
		watch.Busy(true)
		for range 600 {
			kernel.grow(2_000, 0)
			pass(101 * time.Millisecond)
			if now := kernel.now(); now.remembered > 20_000 {
				t.Fatalf("%d are remembered", now.remembered)
			}
		}
		watch.Busy(false)
		pass(time.Minute)
		if drops := kernel.now().drops; drops == 0 || told.number() != drops {
			t.Fatalf("%d drops, %d told", drops, told.number())
		}
	})
}

func TestWhatRunsInTheBackgroundIsFollowedWhileTheNumberGrows(t *testing.T) {
	watched(t, 20_000, func(t *testing.T, kernel *fakeKernel, watch *Watch, _ *trims) {
		watch.Busy(true)
		pass(time.Second)
		watch.Busy(false)
		for range 1000 {
			kernel.grow(500, 0)
			pass(101 * time.Millisecond)
		}
		if now := kernel.now(); now.drops == 0 || now.remembered > 20_000 {
			t.Fatalf("%d drops, %d are remembered", now.drops, now.remembered)
		}
	})
}

func TestALookThatIsAskedForTrims(t *testing.T) {
	watched(t, 20_000, func(t *testing.T, kernel *fakeKernel, watch *Watch, told *trims) {
		kernel.grow(15_000, 40)
		watch.Look()
		pass(time.Second)
		if got := told.last(); got != [2]int64{15_000, 40} {
			t.Fatal(got)
		}
	})
}

func TestWhatIsInUseIsNotTrimmedOverAndOver(t *testing.T) {
	watched(t, 20_000, func(t *testing.T, kernel *fakeKernel, watch *Watch, _ *trims) {
		kernel.grow(12_000, 12_000)
		watch.Busy(true)
		pass(time.Minute)
		if drops := kernel.now().drops; drops != 1 {
			t.Fatalf("%d drops of what is in use", drops)
		}
		kernel.grow(5_001, 0)
		pass(time.Second)
		if drops := kernel.now().drops; drops != 2 {
			t.Fatalf("%d drops after more has come", drops)
		}
		kernel.grow(-11_900, -11_900)
		pass(time.Second)
		kernel.grow(11_000, 0)
		pass(time.Second)
		if now := kernel.now(); now.drops != 3 || now.remembered != 100 {
			t.Fatalf("%d drops, %d are remembered", now.drops, now.remembered)
		}
	})
}

func TestNothingIsWatchedWithoutALimit(*testing.T) {
	var none *Watch
	none.Busy(true)
	none.Look()
}
