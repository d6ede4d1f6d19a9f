package boot

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"vzagent/journal"
)

// openFiles: PID 1 starts with 1024 and at most 4096, too few for builds and for the agent itself. syscall.Setrlimit, unlike
// package unix, also makes children inherit it.
var openFiles = syscall.Rlimit{Cur: 4096, Max: 524288}

// sysctls are settings of the kernel that a developer's machine has.
var sysctls = map[string]string{
	"kernel/pid_max":                "4194304",
	"fs/inotify/max_user_watches":   "524288",
	"fs/inotify/max_user_instances": "1024",
	"fs/protected_symlinks":         "1",
	"fs/protected_hardlinks":        "1",
	"net/ipv4/ping_group_range":     "0 2147483647",
}

func applyLimits() {
	unix.Umask(0o022)
	if err := syscall.Setrlimit(unix.RLIMIT_NOFILE, &openFiles); err != nil {
		journal.Error("cannot allow %d open files: %v", openFiles.Max, err)
	}
	for name, value := range sysctls {
		if err := os.WriteFile("/proc/sys/"+name, []byte(value+"\n"), 0); err != nil {
			journal.Info("%v", err)
		}
	}
}
