package boot

import (
	"os"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"vzagent/events"
	"vzagent/handover"
	"vzagent/inodes"
	"vzagent/journal"
	"vzagent/nix"
)

// Machine is the real machine, from PID 1's point of view.
type Machine struct {
	Events *events.Emitter

	hotplug *Hotplug
	// prepared is closed when the image is mounted, or prepareErr says why not. What was done by then is told with `configure`.
	prepared    chan struct{}
	prepareErr  error
	preparation []events.Phase
	modules     *Modules
	// link leads to the process 1 that will be systemd; nil when this is process 1.
	link *handover.Link

	mutex  sync.Mutex
	mounts []string
	daemon *nix.Daemon
	litter litter
	inodes *inodes.Watch
	off    sync.Once
	closed sync.Once
}

// Prepare loads the modules for the root and mounts the image, without waiting for `configure`, or for a way to the host: neither
// depends on what it says, and the host needs a moment to send it. Events must be set before it is served.
func Prepare(modules *Modules, link *handover.Link) *Machine {
	m := &Machine{modules: modules, link: link, prepared: make(chan struct{})}
	go func() {
		defer close(m.prepared)
		m.prepareErr = m.prepare()
		if m.prepareErr != nil {
			journal.Error("%v", m.prepareErr)
			return
		}
		go warmUp()
	}()
	return m
}

func (m *Machine) prepare() (err error) {
	if m.hotplug, err = ListenForDevices(); err != nil {
		return err
	}
	m.modules.LoadRoot()
	m.done("modules")
	return mountImage(m.hotplug)
}

func (m *Machine) done(phase string) {
	m.preparation = append(m.preparation, events.Phase{Event: "phase", Phase: phase, UptimeMs: events.Uptime()})
}

func (m *Machine) phase(name string) {
	m.Events.Emit(events.Phase{Event: "phase", Phase: name, UptimeMs: events.Uptime()})
}

// mount mounts something that must be unmounted in order at the end.
func (m *Machine) mount(p point) error {
	if err := p.mount(); err != nil {
		return err
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.mounts = append(m.mounts, p.target)
	return nil
}

// afterwards does what nobody waited for: it would only have been in the way of the first command.
func (m *Machine) afterwards() {
	m.modules.LoadLate()
	m.modules.Discard()
	m.clearLitter()
}

// clearLitter begins to delete what earlier builds left, unless the machine is going already.
func (m *Machine) clearLitter() {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.litter.clear()
}

// SetTime sets the clock if it is off by more than is harmless. The host does it every ten seconds: the occasion to look how many inodes
// of shares there are in a guest where nothing seems to happen.
func (m *Machine) SetTime(unixMs int64) (int64, bool, error) {
	m.watched().Look()
	return setClock(unixMs)
}

// Busy says whether streams are open.
func (m *Machine) Busy(busy bool) { m.watched().Busy(busy) }

// Sync writes the volume, and whatever else there is, to the disks.
func (m *Machine) Sync() error {
	for _, path := range []string{layerVolume, "/"} {
		dir, err := os.Open(path)
		if err != nil {
			return err
		}
		err = unix.Syncfs(int(dir.Fd()))
		dir.Close()
		if err != nil {
			return &os.PathError{Op: "syncfs", Path: path, Err: err}
		}
	}
	return nil
}

// Shutdown ends everything in order, soon. Calling it again does nothing.
func (m *Machine) Shutdown(reason string) {
	m.off.Do(func() {
		journal.Info("stopping: %s", reason)
		m.Events.Emit(events.Stopping{Event: "stopping", Reason: reason})
		go m.powerOff()
	})
}

// Leave is the agent's farewell when systemd ends the machine: nothing of the agent keeps a file system busy any more.
func (m *Machine) Leave() {
	if !m.link.Given() {
		return
	}
	m.off.Do(func() {
		journal.Info("stopping: systemd ends the machine")
		m.Events.Emit(events.Stopping{Event: "stopping", Reason: "the guest's systemd was asked to end the machine"})
	})
	m.stopDaemon()
	m.Events.Flush(flushPatience)
	if err := m.link.Leave(); err != nil {
		journal.Error("%v", err)
	}
}

// stopDaemon ends the listening for Nix's daemon.
func (m *Machine) stopDaemon() {
	m.closed.Do(func() {
		if m.daemon != nil {
			m.daemon.Stop()
		}
	})
}

// Parameter reads a word `name=value` of the kernel's command line.
func Parameter(name string) string {
	text, _ := os.ReadFile("/proc/cmdline")
	for word := range strings.FieldsSeq(string(text)) {
		if value, found := strings.CutPrefix(word, name+"="); found {
			return value
		}
	}
	return ""
}
