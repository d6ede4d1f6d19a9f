package boot

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"vzagent/account"
)

// setHostname gives the machine its name. sudo and others look it up: without a line in hosts that takes seconds.
func setHostname(name string) error {
	if name == "" || strings.ContainsAny(name, " \t\n\x00") {
		return fmt.Errorf("%q cannot be a host name", name)
	}
	if err := unix.Sethostname([]byte(name)); err != nil {
		return os.NewSyscallError("sethostname", err)
	}
	if err := os.WriteFile("/etc/hostname", []byte(name+"\n"), 0o644); err != nil {
		return err
	}
	hosts := fmt.Sprintf("127.0.0.1 localhost %[1]s\n::1 localhost ip6-localhost %[1]s\n", name)
	return os.WriteFile("/etc/hosts", []byte(hosts), 0o644)
}

// makeUser puts the host's user into the guest and gives them a home.
func makeUser(wanted account.Wanted) (account.User, error) {
	if _, err := os.Stat(wanted.Shell); err != nil {
		wanted.Shell = "/bin/bash" // the host's shell, zsh say, need not be in the image
	}
	if err := rewriteAccounts(wanted); err != nil {
		return account.User{}, err
	}
	user, err := account.Lookup(strconv.Itoa(int(wanted.UID)))
	if err != nil {
		return user, err
	}
	if err := makeHome(user); err != nil {
		return user, err
	}
	runtimeDir := "/run/user/" + strconv.Itoa(int(user.UID))
	if err := os.MkdirAll(runtimeDir, 0o755); err != nil {
		return user, err
	}
	if err := os.Chmod(runtimeDir, 0o700); err != nil {
		return user, err
	}
	return user, os.Chown(runtimeDir, int(user.UID), int(user.GID))
}

func rewriteAccounts(wanted account.Wanted) error {
	var image account.Databases
	files := []struct {
		path    string
		content *[]byte
		mode    os.FileMode
	}{{"/etc/passwd", &image.Passwd, 0o644}, {"/etc/group", &image.Group, 0o644}, {"/etc/shadow", &image.Shadow, 0o640}}
	for _, file := range files {
		content, err := os.ReadFile(file.path)
		if err != nil {
			return err
		}
		*file.content = content
	}
	merged, err := account.Merge(image, wanted)
	if err != nil {
		return err
	}
	image = merged
	for _, file := range files {
		if err := os.WriteFile(file.path, *file.content, file.mode); err != nil {
			return err
		}
	}
	return nil
}

// makeHome makes the home with what /etc/skel has. A home that exists, root's say, is left as it is.
func makeHome(user account.User) error {
	if _, err := os.Stat(user.Home); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(user.Home), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(user.Home, 0o755); err != nil {
		return err
	}
	if _, err := os.Stat("/etc/skel"); err == nil {
		if err := os.CopyFS(user.Home, os.DirFS("/etc/skel")); err != nil {
			return err
		}
	}
	return filepath.WalkDir(user.Home, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(user.UID), int(user.GID))
	})
}

// ownedDir makes a directory and its missing parents; below the user's home they belong to the user, elsewhere to root.
func ownedDir(path string, user *account.User) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if parent := filepath.Dir(path); parent != path {
		if err := ownedDir(parent, user); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o755); err != nil {
		return err
	}
	if strings.HasPrefix(path, strings.TrimSuffix(user.Home, "/")+"/") {
		return os.Lchown(path, int(user.UID), int(user.GID))
	}
	return nil
}
