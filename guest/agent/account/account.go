// Package account knows the guest's users: who they are (from /etc/passwd and /etc/group), and how to act as one of them.
package account

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// User is an entry of passwd with the supplementary groups that group gives it.
type User struct {
	Name   string
	UID    uint32
	GID    uint32
	Home   string
	Shell  string
	Groups []uint32
}

// Credential is what a program that runs as this user is started with; nil when that is what the agent is already.
func (u *User) Credential() *syscall.Credential {
	if int(u.UID) == os.Geteuid() && int(u.GID) == os.Getegid() {
		return nil
	}
	return &syscall.Credential{Uid: u.UID, Gid: u.GID, Groups: u.Groups}
}

// Lookup finds a user by name or by uid. A uid without an entry is a user too, with / as home, as in other tools.
func Lookup(name string) (User, error) {
	passwd, err := passwdFile.read()
	if err != nil {
		return User{}, err
	}
	group, err := groupFile.read()
	if err != nil {
		return User{}, err
	}
	return find(passwd, group, name)
}

// Current is the user that this process runs as.
func Current() (User, error) { return Lookup(strconv.Itoa(os.Getuid())) }

func find(passwd, group []byte, name string) (User, error) {
	uid, notNumber := strconv.ParseUint(name, 10, 32)
	for line := range bytes.Lines(passwd) {
		user, ok := parsePasswd(line)
		if ok && (user.Name == name || notNumber == nil && uint64(user.UID) == uid) {
			user.Groups = supplementary(group, user)
			return user, nil
		}
	}
	if notNumber == nil {
		return User{Name: name, UID: uint32(uid), GID: uint32(uid), Home: "/", Shell: "/bin/sh", Groups: []uint32{uint32(uid)}}, nil
	}
	return User{}, fmt.Errorf("there is no user %q in the guest", name)
}

func parsePasswd(line []byte) (User, bool) {
	fields := strings.Split(strings.TrimRight(string(line), "\n"), ":")
	if len(fields) < 7 {
		return User{}, false
	}
	uid, err := strconv.ParseUint(fields[2], 10, 32)
	gid, err2 := strconv.ParseUint(fields[3], 10, 32)
	if err != nil || err2 != nil {
		return User{}, false
	}
	return User{Name: fields[0], UID: uint32(uid), GID: uint32(gid), Home: fields[5], Shell: fields[6]}, true
}

func supplementary(group []byte, user User) []uint32 {
	ids := []uint32{user.GID}
	for line := range bytes.Lines(group) {
		fields := strings.Split(strings.TrimRight(string(line), "\n"), ":")
		if len(fields) < 4 {
			continue
		}
		id, err := strconv.ParseUint(fields[2], 10, 32)
		if err != nil || uint32(id) == user.GID {
			continue
		}
		for member := range strings.SplitSeq(fields[3], ",") {
			if member == user.Name {
				ids = append(ids, uint32(id))
			}
		}
	}
	return ids
}

// cachedFile is a file that is read again only when it changed: every exec asks for its user.
type cachedFile struct {
	path    string
	mutex   sync.Mutex
	content []byte
	size    int64
	changed time.Time
	inode   uint64
}

var passwdFile, groupFile = cachedFile{path: "/etc/passwd"}, cachedFile{path: "/etc/group"}

func (f *cachedFile) read() ([]byte, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	info, err := os.Stat(f.path)
	if err != nil {
		return nil, err
	}
	inode := info.Sys().(*syscall.Stat_t).Ino
	if f.content != nil && info.Size() == f.size && info.ModTime().Equal(f.changed) && inode == f.inode {
		return f.content, nil
	}
	content, err := os.ReadFile(f.path)
	if err != nil {
		return nil, err
	}
	f.content, f.size, f.changed, f.inode = content, info.Size(), info.ModTime(), inode
	return content, nil
}

// GroupID finds a group by name.
func GroupID(name string) (uint32, error) {
	group, err := groupFile.read()
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(group) {
		fields := strings.Split(string(line), ":")
		if len(fields) > 2 && fields[0] == name {
			id, err := strconv.ParseUint(fields[2], 10, 32)
			return uint32(id), err
		}
	}
	return 0, fmt.Errorf("there is no group %q in the guest", name)
}
