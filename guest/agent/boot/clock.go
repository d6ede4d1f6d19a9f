package boot

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// tolerance: a drift up to this, in milliseconds, is left alone; setting the clock makes builds see time jump.
const tolerance = 100

// drift says by how many milliseconds now is ahead of the host, and whether that is too much.
func drift(now time.Time, hostUnixMs int64) (ms int64, tooMuch bool) {
	ms = now.UnixMilli() - hostUnixMs
	return ms, ms > tolerance || ms < -tolerance
}

func setClock(hostUnixMs int64) (driftMs int64, adjusted bool, err error) {
	driftMs, adjusted = drift(time.Now(), hostUnixMs)
	if !adjusted {
		return driftMs, false, nil
	}
	now := unix.NsecToTimespec(hostUnixMs * 1e6)
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, &now); err != nil {
		return driftMs, false, os.NewSyscallError("clock_settime", err)
	}
	return driftMs, true, nil
}
