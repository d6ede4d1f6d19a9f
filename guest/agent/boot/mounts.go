package boot

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

const (
	noSuidDevExec = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	noSuidDev     = unix.MS_NOSUID | unix.MS_NODEV
)

// point is one file system and where it goes.
type point struct {
	source, target, kind string
	flags                uintptr
	options              string
}

func (p point) mount() error {
	if err := os.MkdirAll(p.target, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(p.source, p.target, p.kind, p.flags, p.options); err != nil {
		return fmt.Errorf("cannot mount %s (%s) on %s: %w", p.source, p.kind, p.target, err)
	}
	return nil
}

func mountAll(points ...point) error {
	for _, p := range points {
		if err := p.mount(); err != nil {
			return err
		}
	}
	return nil
}

// Early mounts what the first steps need: devices and the kernel's log.
func Early() error {
	return mountAll(
		point{"devtmpfs", "/dev", "devtmpfs", unix.MS_NOSUID, "mode=755"},
		point{"proc", "/proc", "proc", noSuidDevExec, ""},
		point{"sysfs", "/sys", "sysfs", noSuidDevExec, ""},
	)
}

// later are the mounts of a complete system.
var later = []point{
	{"devpts", "/dev/pts", "devpts", unix.MS_NOSUID | unix.MS_NOEXEC, "ptmxmode=666,mode=620,gid=5"},
	{"tmpfs", "/dev/shm", "tmpfs", noSuidDev, "mode=1777"},
	{"mqueue", "/dev/mqueue", "mqueue", noSuidDevExec, ""},
	{"tmpfs", "/run", "tmpfs", noSuidDev, "mode=755"},
	{"tmpfs", "/tmp", "tmpfs", noSuidDev, "mode=1777"},
	{"cgroup2", "/sys/fs/cgroup", "cgroup2", noSuidDevExec, "nsdelegate"},
}

// systemPoints are the mount points that belong to the root itself. They are known, not read from mountinfo, whose first reader
// pays 10 ms under emulation.
func systemPoints() []string {
	points := []string{"/", layerImage, "/dev", "/proc", "/sys"}
	for _, p := range later {
		points = append(points, p.target)
	}
	return points
}

// mountLater mounts them below root.
func mountLater(root string) error {
	for _, p := range later {
		p.target = root + p.target
		if err := p.mount(); err != nil {
			return err
		}
	}
	os.Remove(root + "/dev/ptmx")
	for name, target := range map[string]string{
		"ptmx": "pts/ptmx", "fd": "/proc/self/fd",
		"stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
	} {
		if err := os.Symlink(target, root+"/dev/"+name); err != nil && !os.IsExist(err) {
			return err
		}
	}
	return nil
}
