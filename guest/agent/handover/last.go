package handover

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"vzagent/journal"
)

// oldRoot is where systemd leaves the machine's root for the last process 1.
const oldRoot = "/oldroot"

// IsLast says whether this program was started by systemd as the last process 1.
func IsLast(argv []string) bool {
	return len(argv) > 0 && filepath.Base(argv[0]) == filepath.Base(lastProgram)
}

// agentGoes bounds the agent's farewell to the host.
const agentGoes = 3 * time.Second

// Last ends the machine: the agent, then every file system, last mounted first, then the power. It does not return.
func Last(action string) {
	journal.ToKernel()
	journal.Info("the last process 1 was asked to %s", action)
	endAgent()
	for _, point := range unmountBelow(oldRoot) {
		journal.Bug("umount %s: it is still in use", strings.TrimPrefix(point, oldRoot))
	}
	unix.Sync()
	command := unix.LINUX_REBOOT_CMD_POWER_OFF
	if action == "reboot" || action == "kexec" {
		command = unix.LINUX_REBOOT_CMD_RESTART
	}
	if err := unix.Reboot(command); err != nil {
		journal.Bug("%s: %v", action, err)
	}
	select {}
}

// endAgent asks the agent, a child of process 1 and so of this process, to say goodbye; systemd has spared it.
func endAgent() {
	pid, err := agentPid(pidFile)
	if err != nil {
		journal.Error("where is the agent? %v", err)
		return
	}
	unix.Kill(pid, unix.SIGTERM)
	alarm := time.AfterFunc(agentGoes, func() { unix.Kill(pid, unix.SIGKILL) })
	defer alarm.Stop()
	for {
		var status unix.WaitStatus
		got, err := unix.Wait4(-1, &status, 0, nil)
		if got == pid || err != nil && err != unix.EINTR {
			return
		}
	}
}

// unmountBelow unmounts what it can, round by round as long as that helps: systemd may have mounted in an order of its own. It
// returns what is left.
func unmountBelow(root string) []string {
	left := -1
	for {
		points := pointsBelow(root)
		if len(points) == left {
			return points
		}
		left = len(points)
		for _, point := range points {
			if err := unix.Unmount(point, 0); err != nil {
				journal.Info("umount %s: %v", point, err)
			}
		}
	}
}

// pointsBelow lists the mount points below root, last mounted first. root itself holds this program's past, and stays: it is memory
// over a read-only image.
func pointsBelow(root string) (points []string) {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		journal.Bug("umount: %v", err)
	}
	return below(string(table), root)
}

func below(table, root string) (points []string) {
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	for line := range strings.Lines(table) {
		if fields := strings.Fields(line); len(fields) > 4 && strings.HasPrefix(unescape.Replace(fields[4]), root+"/") {
			points = append(points, unescape.Replace(fields[4]))
		}
	}
	slices.Reverse(points)
	return points
}
