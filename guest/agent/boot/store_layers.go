package boot

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"regexp"

	"golang.org/x/sys/unix"

	"vzagent/fault"
	"vzagent/inodes"
	"vzagent/nix"
)

// Store is what `configure` says of the layers below the volume's.
type Store struct {
	// Image names the image.
	Image string     `json:"image"`
	Host  *HostStore `json:"host"`
	Cache *HostCache `json:"cache"`
}

// HostStore is the host's own Nix store, which lies below the image's.
type HostStore struct {
	Tag         string `json:"tag"`
	DatabaseTag string `json:"databaseTag"`
	ID          string `json:"id"`
	HostSnapshot
}

// HostSnapshot says what the host's store held at one moment.
type HostSnapshot struct {
	Generation string `json:"generation"`
	// Locks are names in the host's store that must not be seen in the guest: it could not open them.
	Locks []string `json:"locks"`
}

// Layers of /nix/store, as those in root.go, when there is the host's.
const (
	layerHost      = "/nix/.l/host"
	layerDatabases = "/run/vzshell/db"
	layerLower     = "/nix/.l/lower"
)

var (
	generationName = regexp.MustCompile(`^[0-9a-f]{16}$`)
	lockName       = regexp.MustCompile(`^[0-9a-z]{32}-[0-9A-Za-z+._?=-]+\.lock$`)
)

func (s *HostSnapshot) check() error {
	if !generationName.MatchString(s.Generation) {
		return fault.New(fault.BadRequest, "%q cannot be a snapshot of the host's store", s.Generation)
	}
	for _, name := range s.Locks {
		if !lockName.MatchString(name) {
			return fault.New(fault.BadRequest, "%q cannot be a lock in the host's store", name)
		}
	}
	return nil
}

// lowerLayers mounts what lies below the volume's layer. One directory is the lower store: Nix compares it with the one lowerdir that
// it finds in the table of mounts.
func (m *Machine) lowerLayers(store Store, imageState *os.File) (*nix.Layers, error) {
	lower := nix.Lower{Image: store.Image}
	dir, databases := layerImage, ""
	if host := store.Host; host != nil {
		if err := host.check(); err != nil {
			return nil, err
		}
		for _, p := range []point{
			{host.Tag, layerHost, "virtiofs", unix.MS_RDONLY | noSuidDev, ""},
			{host.DatabaseTag, layerDatabases, "virtiofs", unix.MS_RDONLY | noSuidDevExec, ""},
			// The image before the host: its paths lie on a disk, and cannot vanish.
			{"overlay", layerLower, "overlay", unix.MS_RDONLY | unix.MS_NOATIME | noSuidDev,
				"lowerdir=" + layerImage + ":" + layerHost + "," + overlayOptions},
		} {
			if err := m.mount(p); err != nil {
				return nil, fault.New(fault.Share, "cannot put the host's Nix store below the guest's: %v", err)
			}
		}
		if err := hideFromLower(host.Locks); err != nil {
			return nil, err
		}
		dir, databases = layerLower, layerDatabases
		lower.Host, lower.Generation = host.ID, host.Generation
	}
	layers, err := nix.NewLayers(layerVolume, dir, imageState, databases, lower)
	if err != nil {
		return nil, fault.New(fault.Volume, "cannot use the volume: %v", err)
	}
	return layers, nil
}

// hideFromLower covers locks of the host, and the links by which it stores equal files once, before the store is mounted: a guest
// that opened one for writing would have to copy up a file that it may not read, or a file that belongs to many paths.
func hideFromLower(locks []string) error {
	links := layerVolume + "/store/.links"
	if err := os.Mkdir(links, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := nix.MakeOpaque(links); err != nil {
		return err
	}
	for _, name := range locks {
		path := layerVolume + "/store/" + name
		if err := unix.Mknod(path, unix.S_IFCHR, 0); err != nil && err != unix.EEXIST {
			return &os.PathError{Op: "hide", Path: path, Err: err}
		}
	}
	return nil
}

// RefreshStore goes over to a newer snapshot of the host's store.
func (m *Machine) RefreshStore(body []byte) error {
	var snapshot HostSnapshot
	if err := json.Unmarshal(body, &snapshot); err != nil {
		return fault.New(fault.BadRequest, "this is no snapshot of the host's store: %v", err)
	}
	if err := snapshot.check(); err != nil {
		return err
	}
	m.mutex.Lock()
	daemon := m.daemon
	m.mutex.Unlock()
	if daemon == nil || daemon.Layers.Databases == "" {
		return fault.New(fault.BadRequest, "this machine was started without the host's store")
	}
	// What the guest once looked for in vain it would never find: the kernel remembers that for as long as it has room.
	if err := inodes.Drop(); err != nil {
		return err
	}
	for _, name := range snapshot.Locks {
		if err := os.Remove("/nix/store/" + name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := daemon.Layers.Refresh(snapshot.Generation); err != nil {
		return err
	}
	return inodes.Drop()
}
