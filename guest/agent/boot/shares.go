package boot

import (
	"fmt"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"vzagent/account"
	"vzagent/events"
	"vzagent/fault"
	"vzagent/inodes"
)

// Share is a host directory and where it goes.
type Share struct {
	Tag      string `json:"tag"`
	Target   string `json:"target"`
	ReadOnly bool   `json:"readOnly"`
}

// mountShares mounts parents before what lies in them.
func (m *Machine) mountShares(shares []Share, user *account.User) error {
	shares = slices.Clone(shares)
	slices.SortStableFunc(shares, func(a, b Share) int { return len(a.Target) - len(b.Target) })
	for _, share := range shares {
		if err := m.mountShare(share, user); err != nil {
			return fault.New(fault.Share, "cannot mount the share %q on %q: %v", share.Tag, share.Target, err)
		}
	}
	return nil
}

func (m *Machine) mountShare(share Share, user *account.User) error {
	if !filepath.IsAbs(share.Target) || filepath.Clean(share.Target) != share.Target || share.Target == "/" {
		return fmt.Errorf("the target is not a plain absolute path")
	}
	if err := ownedDir(share.Target, user); err != nil {
		return err
	}
	flags := uintptr(noSuidDev)
	if share.ReadOnly {
		flags |= unix.MS_RDONLY // a courtesy: what forbids writing is the host's side
	}
	return m.mount(point{share.Tag, share.Target, "virtiofs", flags, ""})
}

// watchInodes keeps the inodes that the kernel remembers of shares, the host's Nix store among them, below what the host can bear.
func (m *Machine) watchInodes(limit int64) {
	if limit <= 0 {
		return
	}
	watch := inodes.Start(limit, func(before, after int64) {
		m.Events.Emit(events.Trimmed{Event: "trimmed", Before: before, After: after})
	})
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.inodes = watch
}

// watched is nil when nothing is watched.
func (m *Machine) watched() *inodes.Watch {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.inodes
}
