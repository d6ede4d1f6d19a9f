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

// Where the layers of the root lie until it is the root.
const (
	imagePoint = "/l/image"
	topPoint   = "/l/top"
	rootPoint  = "/l/root"
)

// mountImage mounts the image, and the memory that will hold all changes to it.
func mountImage(hotplug *Hotplug) error {
	device, err := hotplug.WaitForDisk("image")
	if err != nil {
		return err
	}
	if err := mountAll(
		point{device, imagePoint, "erofs", unix.MS_RDONLY | unix.MS_NODEV | unix.MS_NOATIME, ""},
		point{"tmpfs", topPoint, "tmpfs", unix.MS_NOATIME, "mode=755"},
	); err != nil {
		return err
	}
	for _, dir := range []string{topPoint + "/upper", topPoint + "/work"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// makeRoot puts the changes over the image and makes that the root of this process and all that follow. Threads share one root
// directory, so the server goes on as if nothing had happened.
func makeRoot() error {
	layers := "lowerdir=" + imagePoint + ",upperdir=" + topPoint + "/upper,workdir=" + topPoint + "/work," + overlayOptions
	if err := mountAll(
		point{"overlay", rootPoint, "overlay", unix.MS_NOATIME, layers},
		point{imagePoint + "/nix/store", rootPoint + layerImage, "", unix.MS_BIND, ""},
		point{"/dev", rootPoint + "/dev", "", unix.MS_MOVE, ""},
		point{"/proc", rootPoint + "/proc", "", unix.MS_MOVE, ""},
		point{"/sys", rootPoint + "/sys", "", unix.MS_MOVE, ""},
	); err != nil {
		return err
	}
	if err := mountLater(rootPoint); err != nil {
		return err
	}
	return enter(rootPoint)
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
