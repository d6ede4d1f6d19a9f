// Package fault holds the one error type that crosses the wire: a code of guest/CONTRACT.md section 5 and a sentence.
package fault

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

// Codes that are not errno names.
const (
	BadRequest        = "bad-request"
	NotConfigured     = "not-configured"
	AlreadyConfigured = "already-configured"
	Protocol          = "protocol"
	NotFound          = "not-found"
	NotExecutable     = "not-executable"
	BadCwd            = "bad-cwd"
	BadUser           = "bad-user"
	TooBig            = "too-big"
	RequiredMissing   = "required-missing"
	Refused           = "refused"
	Volume            = "volume"
	Share             = "share"
	Internal          = "internal"
)

// maxMessage keeps a message that quotes a very long name within one frame.
const maxMessage = 2048

// Fault is what the host is told.
type Fault struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (f *Fault) Error() string { return f.Message }

// New makes a Fault whose message is one sentence that quotes the name it is about.
func New(code, format string, args ...any) *Fault {
	return &Fault{Code: code, Message: shorten(fmt.Sprintf(format, args...))}
}

// From turns any error into a Fault: its own if it is one, the errno's name if there is an errno in it, else `internal`.
func From(err error) *Fault {
	var known *Fault
	if errors.As(err, &known) {
		return known
	}
	return &Fault{Code: errnoName(err), Message: shorten(err.Error())}
}

func errnoName(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		if name := unix.ErrnoName(errno); name != "" {
			return name
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "ENOENT"
	case errors.Is(err, fs.ErrExist):
		return "EEXIST"
	case errors.Is(err, fs.ErrPermission):
		return "EACCES"
	}
	return Internal
}

func shorten(text string) string {
	if len(text) <= maxMessage {
		return text
	}
	return text[:maxMessage/2] + "…" + text[len(text)-maxMessage/2:]
}

// Status is the HTTP status that goes with a code.
func (f *Fault) Status() int {
	switch f.Code {
	case "ENOENT", "ESRCH", NotFound:
		return 404
	case "EACCES", "EPERM", BadUser:
		return 403
	case AlreadyConfigured, "EEXIST", "ENOTEMPTY":
		return 409
	case Protocol:
		return 426
	case NotConfigured:
		return 503
	case Internal, Volume, Share:
		return 500
	}
	return 400
}
