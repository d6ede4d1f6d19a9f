package files

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"vzagent/protocol"
	"vzagent/stream"
)

// packer writes one tree as a pax archive. Of a file with several names the first is stored, the others are links to it.
type packer struct {
	archive *tar.Writer
	parent  string
	linked  map[inode]string
	entries int
}

type inode struct{ device, number uint64 }

// Pack serves `get`: path as a tar whose first entry is its base name.
func Pack(s *stream.Stream, path string) (entries int, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return 0, err
	}
	stat, err := ReadStat(path, false)
	if err != nil {
		return 0, err
	}
	if err := s.SendJSON(protocol.Started, map[string]string{"type": stat.Type}); err != nil {
		return 0, err
	}
	output := stream.NewOutput(s)
	p := &packer{archive: tar.NewWriter(output), parent: filepath.Dir(path), linked: map[inode]string{}}
	err = filepath.WalkDir(path, p.add)
	if err == nil {
		err = p.archive.Close()
	}
	if err == nil {
		err = output.Flush()
	}
	if err == nil {
		err = s.Send(protocol.EOF, nil)
	}
	return p.entries, err
}

func (p *packer) add(path string, _ fs.DirEntry, walkErr error) error {
	if errors.Is(walkErr, fs.ErrNotExist) {
		return nil // it went away while we looked: a tree that is in use can still be copied
	}
	if walkErr != nil {
		return walkErr
	}
	var raw unix.Stat_t
	if err := unix.Lstat(path, &raw); err == unix.ENOENT {
		return nil
	} else if err != nil {
		return &os.PathError{Op: "lstat", Path: path, Err: err}
	}
	name, err := filepath.Rel(p.parent, path)
	if err != nil {
		return err
	}
	header := &tar.Header{
		Format: tar.FormatPAX, Name: name, Mode: int64(raw.Mode & 0o7777), Uid: int(raw.Uid), Gid: int(raw.Gid),
		ModTime: time.Unix(raw.Mtim.Sec, raw.Mtim.Nsec),
	}
	switch raw.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		header.Typeflag, header.Name = tar.TypeDir, name+"/"
	case unix.S_IFLNK:
		header.Typeflag = tar.TypeSymlink
		if header.Linkname, err = os.Readlink(path); err != nil {
			return err
		}
	case unix.S_IFREG:
		return p.addFile(path, header, &raw)
	default:
		return nil // sockets, fifos and devices mean nothing elsewhere
	}
	p.entries++
	return p.archive.WriteHeader(header)
}

func (p *packer) addFile(path string, header *tar.Header, raw *unix.Stat_t) error {
	header.Typeflag = tar.TypeReg
	if raw.Nlink > 1 {
		id := inode{uint64(raw.Dev), raw.Ino}
		if first, seen := p.linked[id]; seen {
			header.Typeflag, header.Linkname = tar.TypeLink, first
			p.entries++
			return p.archive.WriteHeader(header)
		}
		p.linked[id] = header.Name
	}
	// The name may have become a fifo or a link since lstat.
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	header.Size = raw.Size
	p.entries++
	if err := p.archive.WriteHeader(header); err != nil {
		return err
	}
	written, err := io.Copy(p.archive, io.LimitReader(file, raw.Size))
	if err != nil {
		return err
	}
	// A file that shrank meanwhile is filled up, as GNU tar does: its size is already said.
	_, err = io.CopyN(p.archive, zeros{}, raw.Size-written)
	return err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
