package account

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// WithFiles runs work with the user's rights to files: on a thread of its own, whose fsuid, fsgid and groups are the user's
// (leaving fsuid 0 also drops the capabilities that bypass permissions). The thread dies with the work, so that no other
// goroutine ever runs on it.
func (u *User) WithFiles(work func() error) error {
	return u.onThread(work, func() error {
		if err := setgroups(u.Groups); err != nil {
			return err
		}
		// These two report the former id, never an error: asking again is the only way to know that they worked.
		unix.RawSyscall(unix.SYS_SETFSGID, uintptr(u.GID), 0, 0)
		unix.RawSyscall(unix.SYS_SETFSUID, uintptr(u.UID), 0, 0)
		gid, _, _ := unix.RawSyscall(unix.SYS_SETFSGID, ^uintptr(0), 0, 0)
		uid, _, _ := unix.RawSyscall(unix.SYS_SETFSUID, ^uintptr(0), 0, 0)
		if uint32(gid) != u.GID || uint32(uid) != u.UID {
			return unix.EPERM
		}
		return nil
	})
}

// WithIdentity runs work as the user altogether. It is for sockets: a server asks the kernel for its peer's uid (SO_PEERCRED),
// and that is not the fsuid. Nix would trust root.
func (u *User) WithIdentity(work func() error) error {
	return u.onThread(work, func() error {
		if err := setgroups(u.Groups); err != nil {
			return err
		}
		gid, uid := uintptr(u.GID), uintptr(u.UID)
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESGID, gid, gid, gid); errno != 0 {
			return errno
		}
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uid, uid, uid); errno != 0 {
			return errno
		}
		return nil
	})
}

func (u *User) onThread(work, become func() error) error {
	if u.Credential() == nil {
		return work()
	}
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if err := become(); err != nil {
			result <- fmt.Errorf("cannot act as user %q: %w", u.Name, os.NewSyscallError("setuid", err))
			return
		}
		result <- work()
	}()
	return <-result
}

// setgroups changes this thread alone; the one of package syscall changes all threads of the process.
func setgroups(groups []uint32) error {
	var first unsafe.Pointer
	if len(groups) > 0 {
		first = unsafe.Pointer(&groups[0])
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(groups)), uintptr(first), 0); errno != 0 {
		return errno
	}
	return nil
}
