package files

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"vzagent/fault"
	"vzagent/protocol"
	"vzagent/stream"
)

// ReadRequest is the START frame of `readFile`.
type ReadRequest struct {
	Path   string `json:"path"`
	Offset int64  `json:"offset"`
	Length *int64 `json:"length"`
}

// WriteRequest is the START frame of `writeFile`.
type WriteRequest struct {
	Path string  `json:"path"`
	Mode *uint32 `json:"mode"`
	Flag string  `json:"flag"`
}

// Read sends a file.
func Read(s *stream.Stream, r ReadRequest) error {
	if r.Offset < 0 || r.Length != nil && *r.Length < 0 {
		return fault.New(fault.BadRequest, "offset and length of %q must not be negative", r.Path)
	}
	// Non-blocking: a fifo that nobody writes to must not hold the operation for ever.
	file, err := os.OpenFile(r.Path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return &os.PathError{Op: "read", Path: r.Path, Err: unix.EISDIR}
	}
	if r.Offset > 0 {
		if _, err := file.Seek(r.Offset, io.SeekStart); err != nil {
			return err
		}
	}
	if err := s.SendJSON(protocol.Started, map[string]int64{"size": info.Size()}); err != nil {
		return err
	}
	buffer := make([]byte, protocol.MaxWrite)
	for left := r.Length; left == nil || *left > 0; {
		space := buffer[protocol.HeaderSize:]
		if left != nil {
			space = space[:min(int64(len(space)), *left)]
		}
		n, err := file.Read(space)
		if n > 0 {
			if sendErr := s.SendBuffer(protocol.Data, buffer, n); sendErr != nil {
				return sendErr
			}
			if left != nil {
				*left -= int64(n)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	return s.Send(protocol.EOF, nil)
}

// Write receives a file. The answer comes after close, so that an error of a late write is not lost.
func Write(s *stream.Stream, r WriteRequest) (err error) {
	flags := map[string]int{"": os.O_TRUNC, "w": os.O_TRUNC, "a": os.O_APPEND, "wx": os.O_EXCL}
	flag, known := flags[r.Flag]
	if !known {
		return fault.New(fault.BadRequest, "there is no flag %q: use w, a or wx", r.Flag)
	}
	mode := uint32(0o666)
	if r.Mode != nil {
		mode = *r.Mode
	}
	file, err := os.OpenFile(r.Path, os.O_WRONLY|os.O_CREATE|flag, permissions(mode))
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := file.Close(); err == nil {
			err = closeErr
		}
	}()
	if r.Mode != nil {
		if err := file.Chmod(permissions(mode)); err != nil {
			return err
		}
	}
	if err := s.SendJSON(protocol.Started, struct{}{}); err != nil {
		return err
	}
	_, err = io.Copy(file, NewInput(s))
	return err
}
