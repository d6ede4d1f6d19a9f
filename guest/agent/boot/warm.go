package boot

import (
	"os"
	"syscall"

	"vzagent/process"
)

// warmUp runs the image's shell once, while the host is asked what it wants: the first program that a kernel starts costs several
// times what the next ones do, 0.1 s under emulation, and the first command would pay for it. An image without that shell is none
// the worse.
func warmUp() {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer null.Close()
	process.Start("/bin/sh", []string{"sh", "-c", ":"}, &syscall.ProcAttr{
		Dir: "/", Files: []uintptr{null.Fd(), null.Fd(), null.Fd()}, Sys: &syscall.SysProcAttr{Chroot: imagePoint},
	})
}
