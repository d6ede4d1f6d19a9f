package handover

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"vzagent/process"
)

// AdoptMode is the first argument of this program as the command of vzagent.service.
const AdoptMode = "adopt"

const groups = "/sys/fs/cgroup"

// Adopt moves the agent into the control group of this process, which is the unit's, and tells it so.
func Adopt() error {
	pid, err := agentPid(pidFile)
	if err != nil {
		return err
	}
	group, err := controlGroup("/proc/self/cgroup")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(groups, group, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0); err != nil {
		return fmt.Errorf("cannot move the agent, process %d, into the unit's control group: %w", pid, err)
	}
	return os.NewSyscallError("kill", unix.Kill(pid, unix.SIGUSR1))
}

func agentPid(path string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid < 2 {
		return 0, fmt.Errorf("%s holds no process id: %q", path, text)
	}
	return pid, nil
}

// controlGroup reads the unified hierarchy's line of /proc/<pid>/cgroup.
func controlGroup(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if group, found := strings.CutPrefix(strings.TrimSpace(line), "0::"); found {
			return group, nil
		}
	}
	return "", errors.New("this process is in no control group")
}

// goPatience is how long what the host started may take to obey a signal.
const goPatience = 2 * time.Second

// EndSessions ends everything that lives in the agent's control group but the agent: what the host started, and what that started.
// The rest of the machine is systemd's to end.
func EndSessions() error {
	group, err := controlGroup("/proc/self/cgroup")
	if err != nil {
		return err
	}
	dir := filepath.Join(groups, group)
	for _, signals := range [][]unix.Signal{{unix.SIGTERM, unix.SIGHUP, unix.SIGCONT}, {unix.SIGKILL}} {
		for _, signal := range signals {
			for _, pid := range members(dir) {
				unix.Kill(pid, signal)
			}
		}
		// All of them are children of this process, or become that as orphans (Parent).
		if process.WaitChildless(goPatience) {
			return nil
		}
	}
	return fmt.Errorf("processes of vzagent.service are left that cannot be killed: %v", members(dir))
}

// members are the processes of a group and of those below it, without this one.
func members(dir string) (pids []int) {
	filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.Name() != "cgroup.procs" {
			return nil
		}
		text, _ := os.ReadFile(path)
		for word := range strings.FieldsSeq(string(text)) {
			if pid, err := strconv.Atoi(word); err == nil && pid != os.Getpid() {
				pids = append(pids, pid)
			}
		}
		return nil
	})
	slices.Sort(pids)
	return pids
}
