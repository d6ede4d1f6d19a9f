package files

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Mkdir makes a directory, and its parents if asked to. mode is exact: the umask does not count. What exists is left alone
// under recursive, and an error otherwise.
func Mkdir(path string, recursive bool, mode *uint32) error {
	if _, err := os.Stat(path); recursive && err == nil {
		return os.MkdirAll(path, 0o755) // an error when it is no directory
	}
	if recursive {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o755); err != nil || mode == nil {
		return err
	}
	return os.Chmod(path, permissions(*mode))
}

// Remove removes a file, an empty directory or, if recursive, a tree. force makes a missing path no error.
func Remove(path string, recursive, force bool) error {
	if _, err := os.Lstat(path); err != nil {
		if force && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	if recursive {
		return os.RemoveAll(path)
	}
	return os.Remove(path)
}

// Symlink makes a link; force replaces one that exists, and nobody ever sees the name missing.
func Symlink(target, path string, force bool) error {
	err := os.Symlink(target, path)
	if !force || !errors.Is(err, fs.ErrExist) {
		return err
	}
	temporary := filepath.Join(filepath.Dir(path), ".vzshell-"+rand.Text())
	if err := os.Symlink(target, temporary); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		os.Remove(temporary)
		return err
	}
	return nil
}

// permissions turns the bits of chmod(2) into Go's, which keep set-id and sticky elsewhere.
func permissions(mode uint32) os.FileMode {
	result := os.FileMode(mode & 0o777)
	for bit, flag := range map[uint32]os.FileMode{0o4000: os.ModeSetuid, 0o2000: os.ModeSetgid, 0o1000: os.ModeSticky} {
		if mode&bit != 0 {
			result |= flag
		}
	}
	return result
}
