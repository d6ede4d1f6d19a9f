// Package boot makes a running guest of a machine that has just entered user space: guest/CONTRACT.md 1 and 4.
package boot

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"vzagent/journal"
)

// moduleDir holds the kernel modules of the initrd, numbered in load order.
const moduleDir = "/modules"

// moduleFlags: MODULE_INIT_COMPRESSED_FILE lets the kernel unpack .xz itself.
func moduleFlags(name string) int {
	if strings.HasSuffix(name, ".xz") {
		return 4
	}
	return 0
}

// Modules is what the initrd brought.
type Modules struct{ vsock, rest []string }

// FindModules sorts the initrd's modules into those for talking to the host, which come first, and all others.
func FindModules() Modules { return findModules(moduleDir) }

func findModules(dir string) Modules {
	names, _ := filepath.Glob(dir + "/*.ko*") // sorted; none at all when the kernel has everything built in
	var m Modules
	for _, name := range names {
		if strings.Contains(filepath.Base(name), "vsock") {
			m.vsock = append(m.vsock, name)
		} else {
			m.rest = append(m.rest, name)
		}
	}
	return m
}

// LoadVsock makes the host reachable.
func (m Modules) LoadVsock() error {
	for _, path := range m.vsock {
		if err := loadModule(path); err != nil {
			return err
		}
	}
	return nil
}

// LoadRest loads what disks, network and file systems need, and frees the initrd's memory. A module that does not load is
// noted, not fatal: it may be for hardware that is not there, and what really needs it will say so.
func (m Modules) LoadRest() {
	for _, path := range m.rest {
		if err := loadModule(path); err != nil {
			journal.Error("%v", err)
		}
	}
	os.RemoveAll(moduleDir)
	os.Remove("/init")
}

func loadModule(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := unix.FinitModule(int(file.Fd()), "", moduleFlags(path)); err != nil && err != unix.EEXIST {
		return fmt.Errorf("cannot load the kernel module %s: %w", filepath.Base(path), err)
	}
	return nil
}
