package process

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxOutput bounds what Run keeps of a program's words, in bytes.
const maxOutput = 16 * 1024

// Run runs one of the agent's own helpers (mke2fs and the like) to its end and returns what it said, stdout and stderr mixed.
// The exit status counts as an error unless it is in accept.
func Run(argv []string, env []string, accept ...int) (string, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer null.Close()
	reader, writer, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer reader.Close()
	child, err := Start(argv[0], argv, &syscall.ProcAttr{
		Dir: "/", Env: env, Files: []uintptr{null.Fd(), writer.Fd(), writer.Fd()},
	})
	writer.Close()
	if err != nil {
		return "", fmt.Errorf("cannot start %s: %w", argv[0], err)
	}
	var output bytes.Buffer
	chunk := make([]byte, 4096)
	for {
		n, err := reader.Read(chunk)
		output.Write(chunk[:min(n, maxOutput-min(output.Len(), maxOutput))])
		if err != nil {
			break
		}
	}
	<-child.Done()
	said := strings.TrimSpace(output.String())
	status := child.Status()
	for _, code := range append(accept, 0) {
		if status.Exited() && status.ExitStatus() == code {
			return said, nil
		}
	}
	return said, fmt.Errorf("%s %s: %s", filepath.Base(argv[0]), Describe(status), said)
}

// Describe says in words how a program ended.
func Describe(status unix.WaitStatus) string {
	if status.Signaled() {
		return "was ended by " + SignalName(status.Signal())
	}
	return fmt.Sprintf("exited with %d", status.ExitStatus())
}

// SignalName is "SIGTERM" for 15, and "SIG35" for a real-time signal, which has no name of its own.
func SignalName(signal unix.Signal) string {
	if name := unix.SignalName(signal); name != "" {
		return name
	}
	return fmt.Sprintf("SIG%d", int(signal))
}
