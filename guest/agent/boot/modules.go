// Package boot makes a running guest of a machine that has just entered user space: guest/CONTRACT.md 1 and 4.
package boot

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"vzagent/journal"
)

// moduleDir holds the kernel modules of the initrd, numbered in load order.
const moduleDir = "modules"

// moduleFlags: MODULE_INIT_COMPRESSED_FILE lets the kernel unpack .xz itself.
func moduleFlags(name string) int {
	if strings.HasSuffix(name, ".xz") {
		return 4
	}
	return 0
}

// Modules is what the initrd brought, by when it is needed. Under emulation each one costs a boot 10 ms or more, so none is
// loaded before.
type Modules struct {
	// initrd is its directory, open: paths no longer lead there once the image is the root.
	initrd                          *os.File
	bus, vsock, root, network, late []string
}

// needs says by parts of their names what modules behind the bus are for; the others are for the root.
var needs = []struct {
	parts []string
	list  func(*Modules) *[]string
}{
	{[]string{"vsock"}, func(m *Modules) *[]string { return &m.vsock }},
	{[]string{"net", "failover"}, func(m *Modules) *[]string { return &m.network }},
	{[]string{"rng", "button", "pvpanic"}, func(m *Modules) *[]string { return &m.late }},
}

// FindModules sorts the modules of the initrd, whose root is initrd. There are none when the kernel has everything built in.
func FindModules(initrd string) (*Modules, error) {
	top, err := os.Open(initrd)
	if err != nil {
		return nil, err
	}
	m := &Modules{initrd: top}
	fd, err := unix.Openat(int(top.Fd()), moduleDir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT {
		return m, nil
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: moduleDir, Err: err}
	}
	dir := os.NewFile(uintptr(fd), moduleDir)
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	slices.Sort(names)
	m.sort(names)
	return m, err
}

// sort puts the modules, given in load order, into the lists. All stand on what is numbered before vsock: the bus, where the
// kernel has that as a module.
func (m *Modules) sort(names []string) {
	modules := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !strings.Contains(name, ".ko") })
	isVsock := func(name string) bool { return strings.Contains(name, "vsock") }
	bus := max(slices.IndexFunc(modules, isVsock), 0)
	m.bus = modules[:bus:bus]
	for _, name := range modules[bus:] {
		list := m.listFor(name)
		*list = append(*list, name)
	}
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

// LoadBus loads what all others stand on.
func (m *Modules) LoadBus() error { return m.loadAll(m.bus) }

// LoadVsock makes the host reachable.
func (m *Modules) LoadVsock() error { return m.loadAll(m.vsock) }

func (m *Modules) loadAll(names []string) error {
	for _, name := range names {
		if err := m.load(name); err != nil {
			return err
		}
	}
	return nil
}

// LoadRoot loads what disks and file systems need.
func (m *Modules) LoadRoot() { m.try(m.root) }

// LoadNetwork loads what a network needs.
func (m *Modules) LoadNetwork() { m.try(m.network) }

// LoadLate loads what nobody is in a hurry for.
func (m *Modules) LoadLate() { m.try(m.late) }

// try: a module that does not load is noted, not fatal. It may be for hardware that is not there, and what really needs it will
// say so.
func (m *Modules) try(names []string) {
	for _, name := range names {
		if err := m.load(name); err != nil {
			journal.Error("%v", err)
		}
	}
}

// Discard gives the initrd's memory back. Nothing can be loaded any more.
func (m *Modules) Discard() {
	top := int(m.initrd.Fd())
	for _, name := range slices.Concat(m.bus, m.vsock, m.root, m.network, m.late) {
		unix.Unlinkat(top, moduleDir+"/"+name, 0)
	}
	unix.Unlinkat(top, "init", 0)
	m.initrd.Close()
}

func (m *Modules) load(name string) error {
	file, err := unix.Openat(int(m.initrd.Fd()), moduleDir+"/"+name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		err = unix.FinitModule(file, "", moduleFlags(name))
		unix.Close(file)
	}
	if err != nil && err != unix.EEXIST {
		return fmt.Errorf("cannot load the kernel module %s: %w", name, err)
	}
	return nil
}
