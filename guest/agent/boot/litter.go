package boot

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"vzagent/journal"
)

// setAside moves dir into litter, unless there is nothing in it. Deleting what a big build left takes longer than a boot may.
func setAside(dir, litter string) error {
	if empty, err := isEmpty(dir); empty || err != nil {
		return err
	}
	if err := os.MkdirAll(litter, 0o700); err != nil {
		return err
	}
	return os.Rename(dir, filepath.Join(litter, strconv.FormatInt(time.Now().UnixNano(), 36)))
}

// isEmpty is true also for a directory that is not there.
func isEmpty(dir string) (bool, error) {
	file, err := os.Open(dir)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer file.Close()
	_, err = file.Readdirnames(1)
	if err == io.EOF {
		return true, nil
	}
	return false, err
}

// litter deletes litterDir behind the boot's back. Its zero value has nothing to do.
type litter struct {
	stopping atomic.Bool
	done     chan struct{}
}

// clear begins.
func (l *litter) clear() {
	l.done = make(chan struct{})
	go func() {
		defer close(l.done)
		if err := removeUntil(&l.stopping, litterDir); err != nil && err != errStopped {
			journal.Error("%v", err)
		}
	}()
}

// stop ends the deletion and returns when it has nothing open any more.
func (l *litter) stop() {
	l.stopping.Store(true)
	if l.done != nil {
		<-l.done
	}
}

// errStopped: the deletion was interrupted; the next boot goes on with it.
var errStopped = errors.New("stopped")

// removeUntil deletes a tree, file by file, so that it can be stopped at any moment: what is open keeps the volume busy.
func removeUntil(stop *atomic.Bool, path string) error {
	if stop.Load() {
		return errStopped
	}
	if err := unix.Unlink(path); err == nil || err == unix.ENOENT {
		return nil
	} else if err != unix.EISDIR && err != unix.EPERM {
		return &os.PathError{Op: "unlink", Path: path, Err: err}
	}
	for {
		names, err := someNames(path)
		if err != nil {
			return err
		}
		if len(names) == 0 {
			return os.Remove(path)
		}
		for _, name := range names {
			if err := removeUntil(stop, filepath.Join(path, name)); err != nil {
				return err
			}
		}
	}
}

// someNames reads a part of a directory and closes it before anything is done with the part.
func someNames(dir string) ([]string, error) {
	file, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	names, err := file.Readdirnames(256)
	if err == io.EOF {
		err = nil
	}
	return names, err
}
