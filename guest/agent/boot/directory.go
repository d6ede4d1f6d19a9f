package boot

import (
	"os"

	"golang.org/x/sys/unix"
)

// ensureDir makes a directory be there with this mode and owner. What is right already is not touched: every change, also one to
// the same, is a transaction of the volume's journal.
func ensureDir(path string, mode os.FileMode, uid, gid uint32) error {
	var is unix.Stat_t
	if err := unix.Stat(path, &is); err == unix.ENOENT {
		if err := os.MkdirAll(path, 0o755); err != nil {
			return err
		}
		if err := unix.Stat(path, &is); err != nil {
			return &os.PathError{Op: "stat", Path: path, Err: err}
		}
	} else if err != nil {
		return &os.PathError{Op: "stat", Path: path, Err: err}
	}
	if is.Uid != uid || is.Gid != gid {
		if err := os.Chown(path, int(uid), int(gid)); err != nil {
			return err
		}
	}
	wanted := uint32(mode.Perm())
	if mode&os.ModeSticky != 0 {
		wanted |= unix.S_ISVTX
	}
	if is.Mode&0o7777 == wanted {
		return nil
	}
	return os.Chmod(path, mode)
}
