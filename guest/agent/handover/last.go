package handover

import (
	"fmt"
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

// Last ends the machine: every file system, last mounted first, then the power. It does not return.
func Last(action string) {
	journal.ToKernel()
	journal.Info("the last process 1 was asked to %s", action)
	if err := releaseAgent(); err != nil {
		journal.Error("the agent did not let go: %v", err)
	}
	for _, mount := range unmountBelow(oldRoot) {
		if lasting[mount.kind] {
			journal.Bug("umount %s: it is still in use", strings.TrimPrefix(mount.point, oldRoot))
		}
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

// agentPatience is how long the agent may take to close what it has open on the volume.
const agentPatience = 3 * time.Second

// releaseAgent tells the agent, which systemd has spared, that the end has come, and waits until it has taken its pid file away.
func releaseAgent() error {
	pid, err := agentPid(pidFile)
	if err != nil {
		return err
	}
	watch, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("inotify", err)
	}
	defer unix.Close(watch)
	if _, err := unix.InotifyAddWatch(watch, filepath.Dir(pidFile), unix.IN_DELETE); err != nil {
		return os.NewSyscallError("inotify", err)
	}
	if err := unix.Kill(pid, unix.SIGTERM); err != nil {
		return os.NewSyscallError("kill", err)
	}
	deadline := time.Now().Add(agentPatience)
	for {
		if _, err := os.Stat(pidFile); os.IsNotExist(err) {
			return nil
		}
		left := time.Until(deadline)
		if left <= 0 {
			return fmt.Errorf("%s is still there after %v", pidFile, agentPatience)
		}
		ready := []unix.PollFd{{Fd: int32(watch), Events: unix.POLLIN}}
		if n, _ := unix.Poll(ready, int(left.Milliseconds())+1); n > 0 {
			unix.Read(watch, make([]byte, 4096))
		}
	}
}

// mount is a file system that is mounted.
type mount struct{ point, kind string }

// lasting are the kinds of file systems whose contents outlive the machine, or that keep such a one busy.
var lasting = map[string]bool{"ext4": true, "overlay": true, "virtiofs": true}

// unmountBelow unmounts what it can, round by round as long as that helps: systemd may have mounted in an order of its own. It
// returns what is left.
func unmountBelow(root string) []mount {
	left := -1
	for {
		table, err := os.ReadFile("/proc/self/mountinfo")
		if err != nil {
			journal.Bug("umount: %v", err)
		}
		mounts := below(string(table), root)
		if len(mounts) == left {
			return mounts
		}
		left = len(mounts)
		for _, mount := range mounts {
			if err := unix.Unmount(mount.point, 0); err != nil {
				journal.Info("umount %s: %v", mount.point, err)
			}
		}
	}
}

// below lists what is mounted below root, last mounted first. root itself holds this program's past, and stays: it is memory over a
// read-only image.
func below(table, root string) (mounts []mount) {
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	for line := range strings.Lines(table) {
		before, after, _ := strings.Cut(line, " - ")
		fields, kind := strings.Fields(before), strings.Fields(after)
		if len(fields) < 5 || len(kind) == 0 {
			continue
		}
		if point := unescape.Replace(fields[4]); strings.HasPrefix(point, root+"/") {
			mounts = append(mounts, mount{point, kind[0]})
		}
	}
	slices.Reverse(mounts)
	return mounts
}
