package boot

import (
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"vzagent/disk"
	"vzagent/handover"
	"vzagent/journal"
	"vzagent/process"
)

const (
	// termPatience is how long processes may take to obey SIGTERM, killPatience how long the kernel to end them.
	termPatience = 2 * time.Second
	killPatience = time.Second
	// trimPatience bounds what giving unused blocks back may cost at the end.
	trimPatience = 300 * time.Millisecond
	// flushPatience bounds the wait for a host that does not read its events.
	flushPatience = 200 * time.Millisecond
)

// powerOff ends all processes, unmounts what was mounted, last first, and switches the machine off.
func (m *Machine) powerOff() {
	m.mutex.Lock() // for good: nothing is mounted any more
	m.stopDaemon()
	m.endProcesses()
	m.litter.stop()
	if err := disk.Trim(layerVolume, trimPatience); err != nil {
		journal.Info("trim: %v", err)
	}
	if m.link.Given() {
		if err := m.link.PowerOff(); err != nil {
			journal.Bug("power off: %v", err)
		}
		return
	}
	unmountAll(systemPoints(), m.mounts)
	unix.Sync()
	m.Events.Flush(flushPatience)
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF); err != nil {
		journal.Bug("power off: %v", err)
	}
}

// endProcesses asks everybody to go, and then makes them. Interactive shells ignore SIGTERM but not a hangup; what is stopped
// must be continued to notice either.
func (m *Machine) endProcesses() {
	if m.link.Given() {
		if err := handover.EndSessions(); err != nil {
			journal.Error("%v", err)
		}
		return
	}
	for _, signal := range []unix.Signal{unix.SIGTERM, unix.SIGHUP, unix.SIGCONT} {
		unix.Kill(-1, signal)
	}
	if process.WaitChildless(termPatience) {
		return
	}
	unix.Kill(-1, unix.SIGKILL)
	if !process.WaitChildless(killPatience) {
		journal.Error("processes are left that cannot be killed")
	}
}

// unmountAll takes the mounts of the agent away, last first. What others mounted meanwhile goes before, wherever it is: one bind
// mount that is left keeps ext4 alive, and the volume dirty. base are the mount points of the system itself, which may stay.
func unmountAll(base, ours []string) {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		journal.Bug("umount: %v", err)
	}
	for _, point := range foreign(mountPoints(string(table)), base, ours) {
		if err := unix.Unmount(point, unix.MNT_DETACH); err != nil {
			journal.Error("umount %s: %v", point, err)
		}
	}
	for _, target := range slices.Backward(ours) {
		if err := unix.Unmount(target, 0); err != nil {
			journal.Bug("umount %s: %v", target, err)
		}
	}
}

// foreign picks the points that are neither the system's nor ours, last mounted first. A point that is there twice has been
// mounted over.
func foreign(points, base, ours []string) (others []string) {
	known := map[string]int{}
	for _, point := range slices.Concat(base, ours) {
		known[point]++
	}
	for _, point := range points {
		if known[point]--; known[point] < 0 {
			others = append(others, point)
		}
	}
	slices.Reverse(others)
	return others
}

// mountPoints lists the mount points of a mountinfo table, in the order of mounting.
func mountPoints(table string) (points []string) {
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	for line := range strings.Lines(table) {
		if fields := strings.Fields(line); len(fields) > 4 {
			points = append(points, unescape.Replace(fields[4]))
		}
	}
	return points
}
