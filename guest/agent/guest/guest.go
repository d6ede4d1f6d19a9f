// Package guest is what `configure` made of this machine, as far as the operations need it.
package guest

import (
	"os"
	"strconv"
	"strings"

	"vzagent/account"
	"vzagent/fault"
)

// Guest is a configured machine. It does not change any more.
type Guest struct {
	// User is who operations run as when they name nobody.
	User account.User
	// Env is for every process.
	Env map[string]string
	// Volume is where the volume is mounted; empty when there is none.
	Volume string
}

// searchPath is PATH of every process, as far as the directories exist; ~ is the user's home.
const searchPath = "/run/wrappers/bin:~/.nix-profile/bin:/run/current-system/sw/bin:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"

// As finds who an operation runs as: the configured user when name is empty.
func (g *Guest) As(name string) (*account.User, error) {
	if name == "" || name == g.User.Name {
		return &g.User, nil
	}
	user, err := account.Lookup(name)
	if err != nil {
		return nil, fault.New(fault.BadUser, "%v", err)
	}
	return &user, nil
}

// BaseEnvironment is what a process of the user starts with.
func (g *Guest) BaseEnvironment(user *account.User) map[string]string {
	env := map[string]string{
		"HOME": user.Home, "USER": user.Name, "LOGNAME": user.Name, "SHELL": user.Shell,
		"PATH": pathOf(user), "LANG": "C.UTF-8",
	}
	if runtimeDir := "/run/user/" + strconv.Itoa(int(user.UID)); isDir(runtimeDir) {
		env["XDG_RUNTIME_DIR"] = runtimeDir
	}
	for name, value := range g.Env {
		env[name] = value
	}
	return env
}

func pathOf(user *account.User) string {
	var found []string
	for dir := range strings.SplitSeq(searchPath, ":") {
		if rest, inHome := strings.CutPrefix(dir, "~"); inHome {
			dir = user.Home + rest
		}
		if isDir(dir) {
			found = append(found, dir)
		}
	}
	return strings.Join(found, ":")
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
