// Package files is the guest's file system as the host sees it: plain operations, whole files, and trees as tar archives.
// Everything here runs inside account.WithFiles.
package files

import (
	"os"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// Stat is what the host learns of a file.
type Stat struct {
	Type    string `json:"type"`
	Size    int64  `json:"size"`
	Mode    uint32 `json:"mode"`
	UID     uint32 `json:"uid"`
	GID     uint32 `json:"gid"`
	MtimeMs int64  `json:"mtimeMs"`
	Nlink   uint64 `json:"nlink"`
	Ino     uint64 `json:"ino"`
}

// Entry is one name of a directory. NameBase64 stands in for a name that is not UTF-8.
type Entry struct {
	Name       string `json:"name,omitempty"`
	NameBase64 []byte `json:"nameBase64,omitempty"`
	Type       string `json:"type"`
}

var types = map[uint32]string{
	unix.S_IFREG: "file", unix.S_IFDIR: "dir", unix.S_IFLNK: "symlink", unix.S_IFSOCK: "socket",
	unix.S_IFIFO: "fifo", unix.S_IFCHR: "char", unix.S_IFBLK: "block",
}

// ReadStat describes path; follow says whether a link is looked through.
func ReadStat(path string, follow bool) (Stat, error) {
	flags := 0
	if !follow {
		flags = unix.AT_SYMLINK_NOFOLLOW
	}
	var raw unix.Stat_t
	if err := unix.Fstatat(unix.AT_FDCWD, path, &raw, flags); err != nil {
		return Stat{}, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return Stat{
		Type: types[raw.Mode&unix.S_IFMT], Size: raw.Size, Mode: raw.Mode & 0o7777, UID: raw.Uid, GID: raw.Gid,
		MtimeMs: raw.Mtim.Sec*1000 + raw.Mtim.Nsec/1e6, Nlink: uint64(raw.Nlink), Ino: raw.Ino,
	}, nil
}

// ReadDir lists a directory, sorted by name.
func ReadDir(path string) ([]Entry, error) {
	list, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	entries := make([]Entry, 0, len(list))
	for _, item := range list {
		entry := Entry{Type: typeOf(item.Type())}
		if name := item.Name(); utf8.ValidString(name) {
			entry.Name = name
		} else {
			entry.NameBase64 = []byte(name)
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

func typeOf(mode os.FileMode) string {
	switch mode.Type() {
	case 0:
		return "file"
	case os.ModeDir:
		return "dir"
	case os.ModeSymlink:
		return "symlink"
	case os.ModeSocket:
		return "socket"
	case os.ModeNamedPipe:
		return "fifo"
	case os.ModeDevice | os.ModeCharDevice:
		return "char"
	}
	return "block"
}
