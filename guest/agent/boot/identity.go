package boot

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"vzagent/account"
)

// makeUser gives the user whom the databases have by now a home and a runtime directory.
func makeUser(wanted account.Wanted) (account.User, error) {
	user, err := account.Lookup(strconv.Itoa(int(wanted.UID)))
	if err != nil {
		return user, err
	}
	if err := makeHome(user); err != nil {
		return user, err
	}
	return user, ensureDir("/run/user/"+strconv.Itoa(int(user.UID)), 0o700, user.UID, user.GID)
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
