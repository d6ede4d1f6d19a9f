package boot

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// diskPatience is how long a disk may take to appear after its driver was loaded.
const diskPatience = 10 * time.Second

// Hotplug hears the kernel announce devices. It must be open before the drivers are loaded.
type Hotplug struct{ socket int }

// ListenForDevices opens the kernel's announcements.
func ListenForDevices() (*Hotplug, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_KOBJECT_UEVENT)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1})
	}
	return &Hotplug{fd}, os.NewSyscallError("uevents", err)
}

// Close stops to listen.
func (h *Hotplug) Close() { unix.Close(h.socket) }

// WaitForDisk returns the device whose virtio serial is serial, as soon as it is there.
func (h *Hotplug) WaitForDisk(serial string) (string, error) {
	deadline := time.Now().Add(diskPatience)
	buffer := make([]byte, 8192)
	for {
		if device := findDisk(serial); device != "" {
			return device, nil
		}
		left := time.Until(deadline)
		if left <= 0 {
			return "", fmt.Errorf("no disk with the serial %q appeared in %v; there are: %s", serial, diskPatience, strings.Join(serials(), ", "))
		}
		ready := []unix.PollFd{{Fd: int32(h.socket), Events: unix.POLLIN}}
		if n, err := unix.Poll(ready, int(left.Milliseconds())+1); err == nil && n > 0 {
			// Which device it is does not matter, and an overrun (ENOBUFS) is news as well: look again.
			unix.Read(h.socket, buffer)
		}
	}
}

// findDisk returns "" when there is no such disk (yet).
func findDisk(serial string) string {
	paths, _ := filepath.Glob("/sys/block/vd*/serial")
	for _, path := range paths {
		if text, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(text)) == serial {
			return "/dev/" + filepath.Base(filepath.Dir(path))
		}
	}
	return ""
}

func serials() (found []string) {
	paths, _ := filepath.Glob("/sys/block/vd*/serial")
	for _, path := range paths {
		text, _ := os.ReadFile(path)
		found = append(found, strings.TrimSpace(string(text)))
	}
	return found
}
