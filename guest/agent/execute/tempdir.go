package execute

import (
	"os"

	"vzagent/account"
	"vzagent/journal"
)

// makeTempDir makes a fresh private directory of the user.
func makeTempDir(parent string, user *account.User) (string, error) {
	if parent == "" {
		parent = "/tmp"
	}
	var dir string
	err := user.WithFiles(func() (err error) {
		dir, err = os.MkdirTemp(parent, "vzshell-")
		return err
	})
	return dir, err
}

// removeTempDir removes it with the user's rights: nobody can make the agent delete what he could not delete himself.
func removeTempDir(dir string, user *account.User) {
	if err := user.WithFiles(func() error { return os.RemoveAll(dir) }); err != nil {
		journal.Error("cannot remove a private directory: %v", err)
	}
}
