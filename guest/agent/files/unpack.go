package files

import (
	"archive/tar"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"vzagent/fault"
)

// unpacker extracts below one directory. os.Root keeps it there: neither a name nor a link, whether it came with the archive or
// was there before, leads out.
type unpacker struct {
	root    *os.Root
	isRoot  bool
	entries int
	// Directories get their mode and time last: a read-only one could not be filled, and filling changes the time.
	directories []*tar.Header
}

// Unpack serves `put`: the tar from source, extracted below the directory path. started is called when that is open: the host sends
// nothing before it knows that it exists.
func Unpack(source io.Reader, path string, asRoot bool, started func() error) (entries int, err error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		if info, statErr := os.Stat(path); statErr == nil && !info.IsDir() {
			err = &os.PathError{Op: "open", Path: path, Err: unix.ENOTDIR} // Go's own error has no errno
		}
		return 0, err
	}
	defer root.Close()
	if err := started(); err != nil {
		return 0, err
	}
	u := &unpacker{root: root, isRoot: asRoot}
	archive := tar.NewReader(source)
	for {
		header, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return u.entries, notAnArchive(err)
		}
		if err := u.add(header, archive); err != nil {
			return u.entries, err
		}
	}
	// What follows the end mark is padding; reading it lets the host finish its sending.
	if _, err := io.Copy(io.Discard, source); err != nil {
		return u.entries, err
	}
	for _, header := range slices.Backward(u.directories) {
		if err := u.finish(header); err != nil {
			return u.entries, err
		}
	}
	return u.entries, nil
}

func notAnArchive(err error) error {
	if errors.Is(err, tar.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.New(fault.BadRequest, "the archive is damaged: %v", err)
	}
	return err
}

func (u *unpacker) add(header *tar.Header, content io.Reader) error {
	name := header.Name
	if !filepath.IsLocal(name) || strings.ContainsRune(name, 0) {
		return fault.New(fault.BadRequest, "the archive entry %q does not stay below the target directory", name)
	}
	header.Name = filepath.Clean(name)
	if header.Name != "." {
		if err := u.root.MkdirAll(filepath.Dir(header.Name), 0o755); err != nil {
			return err
		}
	}
	switch header.Typeflag {
	case tar.TypeDir:
		return u.addDirectory(header)
	case tar.TypeReg:
		return u.addFile(header, content)
	case tar.TypeSymlink:
		if err := u.replace(header.Name, func() error { return u.root.Symlink(header.Linkname, header.Name) }); err != nil {
			return err
		}
		u.entries++
		return u.finish(header)
	case tar.TypeLink:
		if !filepath.IsLocal(header.Linkname) {
			return fault.New(fault.BadRequest, "the archive entry %q links to %q, outside the target directory", name, header.Linkname)
		}
		u.entries++
		return u.replace(header.Name, func() error { return u.root.Link(filepath.Clean(header.Linkname), header.Name) })
	case tar.TypeXGlobalHeader:
		return nil
	}
	return fault.New(fault.BadRequest, "the archive entry %q is neither file, directory nor link", name)
}

func (u *unpacker) addDirectory(header *tar.Header) error {
	u.entries++
	u.directories = append(u.directories, header)
	if info, err := u.root.Stat(header.Name); err == nil && info.IsDir() {
		return nil
	}
	// Open to its owner until all is in it.
	return u.replace(header.Name, func() error { return u.root.Mkdir(header.Name, 0o755) })
}

// addFile writes beside the name, and takes it when the file is whole: a host that goes away in the middle leaves what was there.
func (u *unpacker) addFile(header *tar.Header, content io.Reader) (err error) {
	u.entries++
	partial := *header
	partial.Name = filepath.Join(filepath.Dir(header.Name), ".vzshell-"+rand.Text())
	file, err := u.root.OpenFile(partial.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			u.root.Remove(partial.Name)
		}
	}()
	if _, err = io.Copy(file, content); err != nil {
		file.Close()
		return notAnArchive(err)
	}
	if err = file.Close(); err != nil {
		return err
	}
	if err = u.finish(&partial); err != nil {
		return err
	}
	err = u.root.Rename(partial.Name, header.Name)
	if errors.Is(err, fs.ErrExist) {
		// Go's word for what the kernel calls EISDIR.
		return &os.PathError{Op: "write", Path: header.Name, Err: unix.EISDIR}
	}
	return err
}

// replace makes a directory or a link at name: what was there is unlinked, never written into, because it may have other names.
func (u *unpacker) replace(name string, make func() error) error {
	err := make()
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := u.root.Remove(name); err != nil {
		return err
	}
	return make()
}

// finish sets owner, mode and time, in this order: chown clears set-id bits, and both change nothing of mtime.
func (u *unpacker) finish(header *tar.Header) error {
	if u.isRoot {
		if err := u.root.Lchown(header.Name, header.Uid, header.Gid); err != nil {
			return err
		}
	}
	if header.Typeflag == tar.TypeSymlink {
		return u.setLinkTime(header)
	}
	if err := u.root.Chmod(header.Name, permissions(uint32(header.Mode))); err != nil {
		return err
	}
	return u.root.Chtimes(header.Name, header.ModTime, header.ModTime)
}

func (u *unpacker) setLinkTime(header *tar.Header) error {
	parent, err := u.root.Open(filepath.Dir(header.Name))
	if err != nil {
		return err
	}
	defer parent.Close()
	times := []unix.Timespec{stamp(header.ModTime), stamp(header.ModTime)}
	return os.NewSyscallError("utimensat",
		unix.UtimesNanoAt(int(parent.Fd()), filepath.Base(header.Name), times, unix.AT_SYMLINK_NOFOLLOW))
}

func stamp(at time.Time) unix.Timespec {
	return unix.Timespec{Sec: at.Unix(), Nsec: int64(at.Nanosecond())}
}
