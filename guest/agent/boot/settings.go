package boot

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"vzagent/account"
	"vzagent/journal"
)

// settings writes what `configure` says into /etc before there is a root: into the directory that will be the upper layer. A
// file that has to be copied up later costs ten times as much.
type settings struct {
	// image is the image's root directory, open; upper the path of the layer.
	image *os.File
	upper string
}

func openSettings(image, upper string) (*settings, error) {
	dir, err := os.Open(image)
	if err == nil {
		err = os.MkdirAll(upper+"/etc", 0o755)
	}
	return &settings{dir, upper}, err
}

func (s *settings) close() { s.image.Close() }

// open opens a file of the image, whose links lead nowhere but to the image.
func (s *settings) open(path string, flags uint64) (*os.File, error) {
	how := unix.OpenHow{Flags: flags | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT}
	fd, err := unix.Openat2(int(s.image.Fd()), path, &how)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// isFile says whether the image has a regular file there.
func (s *settings) isFile(path string) bool {
	file, err := s.open(path, unix.O_PATH)
	if err != nil {
		return false
	}
	defer file.Close()
	info, err := file.Stat()
	return err == nil && info.Mode().IsRegular()
}

func (s *settings) read(path string) ([]byte, error) {
	file, err := s.open(path, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	content := make([]byte, info.Size())
	_, err = file.ReadAt(content, 0)
	return content, err
}

// write makes a file of /etc.
func (s *settings) write(name, content string, mode os.FileMode) error {
	return os.WriteFile(filepath.Join(s.upper, "etc", name), []byte(content), mode)
}

// hostname gives the machine its name. sudo and others look it up: without a line in hosts that takes seconds.
func (s *settings) hostname(name string) error {
	if name == "" || strings.ContainsAny(name, " \t\n\x00") {
		return fmt.Errorf("%q cannot be a host name", name)
	}
	if err := unix.Sethostname([]byte(name)); err != nil {
		return os.NewSyscallError("sethostname", err)
	}
	if err := s.write("hostname", name+"\n", 0o644); err != nil {
		return err
	}
	return s.write("hosts", fmt.Sprintf("127.0.0.1 localhost %[1]s\n::1 localhost ip6-localhost %[1]s\n", name), 0o644)
}

const zones = "/usr/share/zoneinfo"

// timezone makes zone the local time, if the image knows it; an unknown one is not worth failing a boot for.
func (s *settings) timezone(zone string) error {
	if zone == "" || !filepath.IsLocal(zone) {
		return nil
	}
	file := filepath.Join(zones, zone)
	if !s.isFile(file) {
		journal.Info("the image has no time zone %q", zone)
		return nil
	}
	if err := os.Symlink(file, s.upper+"/etc/localtime"); err != nil {
		return err
	}
	return s.write("timezone", strings.TrimSpace(zone)+"\n", 0o644)
}

// accounts puts the host's user into the image's databases.
func (s *settings) accounts(wanted account.Wanted) error {
	if !s.isFile(wanted.Shell) {
		wanted.Shell = "/bin/bash" // the host's shell, zsh say, need not be in the image
	}
	var image account.Databases
	files := []struct {
		name    string
		content *[]byte
		mode    os.FileMode
	}{{"passwd", &image.Passwd, 0o644}, {"group", &image.Group, 0o644}, {"shadow", &image.Shadow, 0o640}}
	for _, file := range files {
		content, err := s.read("/etc/" + file.name)
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
		if err := s.write(file.name, string(*file.content), file.mode); err != nil {
			return err
		}
	}
	return nil
}
