package boot

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// overlayOptions: without index, redirects, metacopy and xino the kernel allows a lower layer that changed between boots, and
// `nofollow` is what Nix finds in mountinfo when it checks its store.
const overlayOptions = "index=off,redirect_dir=nofollow,metacopy=off,xino=off"

// Layers of /nix/store. They lie in the new root, because Nix compares the paths in mountinfo with those it is given.
const (
	layerImage  = "/nix/.l/image"
	layerVolume = "/nix/.l/vol"
)

// MakeRoot mounts the image under a tmpfs and makes that the root of this process and all that follow. Threads share one root
// directory, so the server goes on as if nothing had happened.
func MakeRoot(hotplug *Hotplug) error {
	device, err := hotplug.WaitForDisk("image")
	if err != nil {
		return err
	}
	const image, top, root = "/l/image", "/l/top", "/l/root"
	if err := mountAll(
		point{device, image, "erofs", unix.MS_RDONLY | unix.MS_NODEV | unix.MS_NOATIME, ""},
		point{"tmpfs", top, "tmpfs", unix.MS_NOATIME, "mode=755"},
	); err != nil {
		return err
	}
	for _, dir := range []string{top + "/upper", top + "/work"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	layers := "lowerdir=" + image + ",upperdir=" + top + "/upper,workdir=" + top + "/work," + overlayOptions
	if err := mountAll(
		point{"overlay", root, "overlay", unix.MS_NOATIME, layers},
		point{image + "/nix/store", root + layerImage, "", unix.MS_BIND, ""},
		point{"/dev", root + "/dev", "", unix.MS_MOVE, ""},
		point{"/proc", root + "/proc", "", unix.MS_MOVE, ""},
		point{"/sys", root + "/sys", "", unix.MS_MOVE, ""},
	); err != nil {
		return err
	}
	if err := second(root); err != nil {
		return err
	}
	return enter(root)
}

func enter(root string) error {
	if err := os.Chdir(root); err != nil {
		return err
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("cannot make %s the root: %w", root, err)
	}
	if err := unix.Chroot("."); err != nil {
		return fmt.Errorf("cannot enter %s: %w", root, err)
	}
	return os.Chdir("/")
}
