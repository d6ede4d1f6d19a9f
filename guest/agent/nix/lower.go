package nix

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// NewerLayout says that a volume was last used by an agent that knows more than this one.
type NewerLayout struct{ Layout int }

func (e *NewerLayout) Error() string {
	return fmt.Sprintf("it has layout %d, this guest image knows %d", e.Layout, layout)
}

// copyState copies the database of the image's store, which lies below the directory state, to where the daemon looks for it:
// even of a read-only store Nix wants a state directory that it can write to. What is there already stays.
func copyState(state *os.File, to string) error {
	return copyFiles(state, to, "db/db.sqlite", "db/schema")
}

func copyFiles(state *os.File, to string, names ...string) error {
	if err := os.MkdirAll(filepath.Join(to, "db"), 0o755); err != nil {
		return err
	}
	for _, name := range names {
		if err := copyFrom(state, name, filepath.Join(to, name)); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

func copyFrom(dir *os.File, name, to string) error {
	fd, err := unix.Openat(int(dir.Fd()), name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: filepath.Join(dir.Name(), name), Err: err}
	}
	source := os.NewFile(uintptr(fd), name)
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	if err = errors.Join(err, target.Close()); err != nil {
		os.Remove(to)
	}
	return err
}
