package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ballast is a file on a volume that is thrown away when the volume is full: Nix cannot even open its database, and so cannot
// collect garbage either, without room for a few pages. The blocks that mke2fs keeps for root do not help where root filled it.
const ballast = "ballast"

// ballastSize is in bytes. Before it makes its database Nix lays hands on 8 MiB, or whatever there is, for its garbage collector.
const ballastSize = 16 << 20

// TakeBallast makes the file on a volume with plenty of room.
func TakeBallast(volume string) error {
	if room, err := freeBytes(volume); err != nil || room < 4*ballastSize {
		return err
	}
	file, err := os.OpenFile(filepath.Join(volume, ballast), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	return os.NewSyscallError("fallocate", unix.Fallocate(int(file.Fd()), 0, 0, ballastSize))
}

// DropBallast gives the file's room to a volume that has hardly any. True when it did.
func DropBallast(volume string) (bool, error) {
	if room, err := freeBytes(volume); err != nil || room >= ballastSize {
		return false, err
	}
	err := os.Remove(filepath.Join(volume, ballast))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// freeBytes is what an ordinary user may still write. The other count of free blocks holds some that not even root gets.
func freeBytes(path string) (uint64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(path, &stat); err != nil {
		return 0, os.NewSyscallError("statfs", err)
	}
	return stat.Bavail * uint64(stat.Bsize), nil
}
