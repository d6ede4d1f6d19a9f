package serve

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"vzagent/events"
	"vzagent/guest"
	"vzagent/inodes"
)

type memory struct {
	TotalBytes     int64 `json:"totalBytes"`
	AvailableBytes int64 `json:"availableBytes"`
}

type space struct {
	TotalBytes uint64 `json:"totalBytes"`
	FreeBytes  uint64 `json:"freeBytes"`
}

func stats(s *Server, g *guest.Guest, _ []byte) (any, error) {
	var system unix.Sysinfo_t
	if err := unix.Sysinfo(&system); err != nil {
		return nil, os.NewSyscallError("sysinfo", err)
	}
	meminfo, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return nil, err
	}
	var volume *space
	if g.Volume != "" {
		var raw unix.Statfs_t
		if err := unix.Statfs(g.Volume, &raw); err != nil {
			return nil, &os.PathError{Op: "statfs", Path: g.Volume, Err: err}
		}
		volume = &space{raw.Blocks * uint64(raw.Bsize), raw.Bavail * uint64(raw.Bsize)}
	}
	var shares *int64
	if count, err := inodes.Count(); err == nil {
		shares = &count
	}
	return struct {
		UptimeMs  int64   `json:"uptimeMs"`
		Memory    memory  `json:"memory"`
		Load1     float64 `json:"load1"`
		Processes int     `json:"processes"`
		Streams   int     `json:"streams"`
		Volume    *space  `json:"volume"`
		// ShareInodes is null where the kernel does not tell.
		ShareInodes *int64 `json:"shareInodes"`
	}{events.Uptime(), parseMeminfo(string(meminfo)), float64(system.Loads[0]) / 65536, int(system.Procs), s.streams.load(), volume, shares}, nil
}

func parseMeminfo(text string) (m memory) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kib, err := strconv.ParseInt(fields[1], 10, 64)
		switch {
		case err != nil:
		case fields[0] == "MemTotal:":
			m.TotalBytes = kib * 1024
		case fields[0] == "MemAvailable:":
			m.AvailableBytes = kib * 1024
		}
	}
	return m
}
