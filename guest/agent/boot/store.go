package boot

import (
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"vzagent/account"
	"vzagent/disk"
	"vzagent/fault"
	"vzagent/journal"
	"vzagent/nix"
)

// Volume is the disk that `configure` names.
type Volume struct {
	Serial string `json:"serial"`
	UUID   string `json:"uuid"`
	Format bool   `json:"format"`
}

// mountVolume makes the volume, or the memory that was explicitly asked for instead, available at layerVolume.
func (m *Machine) mountVolume(volume *Volume, inMemory bool) error {
	if volume == nil {
		if !inMemory {
			return fault.New(fault.Volume, "there is no volume, and a store in memory was not asked for")
		}
		return m.mount(point{"tmpfs", layerVolume, "tmpfs", noSuidDev, "mode=755"})
	}
	device, err := m.hotplug.WaitForDisk(volume.Serial)
	if err == nil {
		err = disk.Prepare(device, volume.UUID, volume.Format)
	}
	if err == nil {
		err = m.mount(point{device, layerVolume, "ext4", unix.MS_NOATIME | noSuidDev, "errors=remount-ro"})
	}
	if err != nil {
		return fault.New(fault.Volume, "cannot use the volume: %v", err)
	}
	if err := disk.TakeBallast(layerVolume); err != nil {
		journal.Error("no ballast on the volume: %v", err)
	}
	return nil
}

// buildDir holds Nix's builds, on the volume: big ones would fill the memory.
const buildDir = layerVolume + "/tmp"

// litterDir holds what earlier machines left in buildDir, until it is deleted.
const litterDir = layerVolume + "/litter"

// layOutVolume makes what the volume must hold. The builds that a killed machine left are moved aside.
func layOutVolume(user *account.User) error {
	if err := setAside(buildDir, litterDir); err != nil {
		return err
	}
	builders := user.GID
	if nixbld, err := account.GroupID("nixbld"); err == nil {
		builders = nixbld
	}
	state := layerVolume + "/var/nix"
	for _, dir := range []struct {
		path     string
		mode     os.FileMode
		uid, gid uint32
	}{
		{layerVolume + "/store", os.ModeSticky | 0o775, 0, builders},
		{layerVolume + "/work", 0o755, 0, 0},
		{layerVolume + "/var/log", 0o755, 0, 0},
		{buildDir, os.ModeSticky | 0o777, 0, 0},
		{state + "/db", 0o755, 0, 0},
		{state + "/daemon-socket", 0o755, 0, 0},
		{state + "/profiles/per-user", 0o755, 0, 0},
		{state + "/gcroots/per-user", 0o755, 0, 0},
		{state + "/profiles/vzshell", 0o755, 0, 0},
		{state + "/gcroots/vzshell", 0o755, 0, 0},
		{state + "/profiles/vzshell/" + user.Name, 0o755, user.UID, user.GID},
		{state + "/gcroots/vzshell/" + user.Name, 0o755, user.UID, user.GID},
		{layerVolume + "/cache", 0o755, 0, 0},
		{cacheOf(user), 0o700, user.UID, user.GID},
	} {
		if err := ensureDir(dir.path, dir.mode, dir.uid, dir.gid); err != nil {
			return err
		}
	}
	// Nix makes this link only together with gcroots; without it a garbage collection would not see any profile.
	err := os.Symlink("/nix/var/nix/profiles", state+"/gcroots/profiles")
	if os.IsExist(err) {
		return nil
	}
	return err
}

func cacheOf(user *account.User) string { return layerVolume + "/cache/" + strconv.Itoa(int(user.UID)) }

// mountCache makes the user's caches outlive the boot.
func (m *Machine) mountCache(user *account.User) error {
	target := filepath.Join(user.Home, ".cache")
	if err := ownedDir(target, user); err != nil {
		return err
	}
	return m.mount(point{cacheOf(user), target, "", unix.MS_BIND, ""})
}

// assembleStore puts /nix together: the image's store below, and the host's if there is one, the volume's above, and the database
// that belongs to each.
func (m *Machine) assembleStore(store Store) (*nix.Layers, error) {
	const state = "/nix/var/nix"
	imageState, err := os.Open(state)
	if err != nil {
		return nil, err
	}
	lower, err := m.lowerLayers(store, imageState)
	if err != nil {
		return nil, err
	}
	layers := "lowerdir=" + lower.Dir + ",upperdir=" + layerVolume + "/store,workdir=" + layerVolume + "/work," + overlayOptions
	for _, p := range []point{
		{layerVolume + "/var/nix", state, "", unix.MS_BIND, ""},
		// A tmpfs: the socket of a daemon of the last boot must not look alive.
		{"tmpfs", state + "/daemon-socket", "tmpfs", noSuidDevExec, "mode=755"},
		{"overlay", "/nix/store", "overlay", unix.MS_NOATIME | noSuidDev, layers},
	} {
		if err := m.mount(p); err != nil {
			return nil, err
		}
	}
	os.RemoveAll("/nix/var/log")
	return lower, os.Symlink(layerVolume+"/var/log", "/nix/var/log")
}
