package nix

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"vzagent/journal"
)

// layout is the version of what lies on a volume.
const layout = 1

// Lower names what lies below the volume's layer. The rows of the volume's database are true only together with it.
type Lower struct {
	Layout     int    `json:"layout"`
	Image      string `json:"image"`
	Host       string `json:"host,omitempty"`
	Generation string `json:"generation,omitempty"`
}

// Layers are the directories and databases that make up the store.
type Layers struct {
	// Volume is where the volume is mounted, Dir the directory of the lower layer.
	Volume, Dir string
	// ImageState is the state directory of the image's own store, open: the volume's is mounted over it.
	ImageState *os.File
	// Databases is where the host puts the databases of its snapshots; empty without the host's store.
	Databases string

	mutex sync.Mutex
	lower Lower
	// reconciled is set when the volume's database fits the lower layer.
	reconciled bool
}

// NewLayers reads what the volume was last used with.
func NewLayers(volume, dir string, imageState *os.File, databases string, lower Lower) (*Layers, error) {
	lower.Layout = layout
	l := &Layers{Volume: volume, Dir: dir, ImageState: imageState, Databases: databases, lower: lower}
	last, err := readMeta(volume)
	l.reconciled = err == nil && last == lower
	return l, err
}

// Upper is the directory of the volume's layer.
func (l *Layers) Upper() string { return l.Volume + "/store" }

func (l *Layers) database() string { return l.Volume + "/var/nix/db/db.sqlite" }

// Ready makes directories and databases ready for a daemon.
func (l *Layers) Ready() error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if err := l.ready(); err != nil {
		return err
	}
	if err := makeLowerDirectories(); err != nil {
		return err
	}
	return l.makeDatabase()
}

func (l *Layers) ready() error {
	if err := l.lowerState(); err != nil {
		return err
	}
	if l.reconciled {
		return nil
	}
	if _, err := os.Stat(l.database()); err == nil {
		if err := l.reconcile(); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	l.reconciled = true
	return writeMeta(l.Volume, l.lower)
}

// Refresh goes over to a newer snapshot of the host's store. Daemons that serve somebody keep what they have; who connects from
// now on gets the new one.
func (l *Layers) Refresh(generation string) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.lower.Generation = generation
	l.reconciled = false
	return l.ready()
}

// lowerState makes the state directory of the lower store. Even of a read-only store Nix wants one that it can write to.
func (l *Layers) lowerState() error {
	if l.Databases == "" {
		return copyState(l.ImageState, LowerState)
	}
	if err := copyFiles(l.ImageState, LowerState, "db/schema"); err != nil {
		return err
	}
	// A file that is never changed: each snapshot has a name of its own, so no cache can hold an older one.
	link := LowerState + "/db/.next"
	if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(filepath.Join(l.Databases, l.lower.Generation+".sqlite"), link); err != nil {
		return err
	}
	return os.Rename(link, LowerState+"/db/db.sqlite")
}

func metaFile(volume string) string { return volume + "/meta.json" }

// readMeta is empty for a volume that was never used, or by an agent that did not write it yet.
func readMeta(volume string) (Lower, error) {
	var meta Lower
	text, err := os.ReadFile(metaFile(volume))
	if errors.Is(err, fs.ErrNotExist) {
		return meta, nil
	}
	if err != nil {
		return meta, err
	}
	if err := json.Unmarshal(text, &meta); err != nil {
		// What it says only saves work.
		journal.Error("%s is damaged: %v", metaFile(volume), err)
		return Lower{}, nil
	}
	if meta.Layout > layout {
		return meta, &NewerLayout{meta.Layout}
	}
	return meta, nil
}

func writeMeta(volume string, meta Lower) error {
	text, err := json.Marshal(meta)
	if err != nil {
		return err
	}
	temporary := metaFile(volume) + ".tmp"
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(append(text, '\n'))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(temporary, metaFile(volume))
}
