package disk

import (
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// trimStep is how much of a file system one FITRIM covers, in bytes: it cannot be interrupted, so the clock is looked at between.
const trimStep = 4 << 30

// fitrim is _IOWR('X', 121, struct fstrim_range), the same number on arm64 and x86_64.
const fitrim = 0xc0185879

// Trim gives the unused blocks of the file system at path back to the host, for as long as patience lasts.
func Trim(path string, patience time.Duration) error {
	var stat unix.Statfs_t
	if err := unix.Statfs(path, &stat); err != nil {
		return os.NewSyscallError("statfs", err)
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	end := stat.Blocks * uint64(stat.Bsize)
	deadline := time.Now().Add(patience)
	for at := uint64(0); at < end && time.Now().Before(deadline); at += trimStep {
		span := struct{ start, length, minimum uint64 }{at, min(trimStep, end-at), 0}
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, dir.Fd(), fitrim, uintptr(unsafe.Pointer(&span)))
		if errno == unix.EOPNOTSUPP {
			return nil // the disk has no discard
		}
		if errno != 0 {
			return os.NewSyscallError("fitrim", errno)
		}
	}
	return nil
}
