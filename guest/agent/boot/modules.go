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

// Modules is what the initrd brought, by when it is needed. Under emulation each one costs a boot 50 ms, so none is loaded before.
type Modules struct{ vsock, root, network, late []string }

// needs says by parts of their names what modules are for; the others are for the root.
var needs = []struct {
	parts []string
	list  func(*Modules) *[]string
}{
	{[]string{"vsock"}, func(m *Modules) *[]string { return &m.vsock }},
	{[]string{"net", "failover"}, func(m *Modules) *[]string { return &m.network }},
	{[]string{"rng", "button", "pvpanic"}, func(m *Modules) *[]string { return &m.late }},
}

// FindModules sorts the initrd's modules.
func FindModules() Modules { return findModules(moduleDir) }

func findModules(dir string) Modules {
	names, _ := filepath.Glob(dir + "/*.ko*") // sorted; none at all when the kernel has everything built in
	var m Modules
	for _, name := range names {
		list := m.listFor(filepath.Base(name))
		*list = append(*list, name)
	}
	return m
}

func (m *Modules) listFor(name string) *[]string {
	for _, need := range needs {
		for _, part := range need.parts {
			if strings.Contains(name, part) {
				return need.list(m)
			}
		}
	}
	return &m.root
}

// LoadVsock makes the host reachable.
func (m Modules) LoadVsock() error {
	for _, path := range m.vsock {
		if err := loadFile(path); err != nil {
			return err
		}
	}
	return nil
}

// LoadRoot loads what disks and file systems need. A module that does not load is noted, not fatal: it may be for hardware that is
// not there, and what really needs it will say so.
func (m Modules) LoadRoot() {
	for _, path := range m.root {
		if err := loadFile(path); err != nil {
			journal.Error("%v", err)
		}
	}
}

// Keep opens the modules that wait, for the initrd is out of reach soon, and frees the initrd's memory.
func (m Modules) Keep() (network, late Kept) {
	network, late = openAll(m.network), openAll(m.late)
	os.RemoveAll(moduleDir)
	os.Remove("/init")
	return network, late
}

// Kept are modules that have no name any more.
type Kept []*os.File

func openAll(paths []string) (kept Kept) {
	for _, path := range paths {
		file, err := os.Open(path)
		if err != nil {
			journal.Error("%v", err)
			continue
		}
		kept = append(kept, file)
	}
	return kept
}

// Load loads them, once.
func (k Kept) Load() {
	for _, file := range k {
		if err := loadModule(file); err != nil {
			journal.Error("%v", err)
		}
	}
	k.Drop()
}

// Drop gives their memory back.
func (k Kept) Drop() {
	for _, file := range k {
		file.Close()
	}
}

func loadFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return loadModule(file)
}

func loadModule(file *os.File) error {
	if err := unix.FinitModule(int(file.Fd()), "", moduleFlags(file.Name())); err != nil && err != unix.EEXIST {
		return fmt.Errorf("cannot load the kernel module %s: %w", filepath.Base(file.Name()), err)
	}
	return nil
}
