package boot

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"github.com/mdlayher/vsock"

	"vzagent/journal"
	"vzagent/protocol"
)

// HostCache is a binary cache that the host serves: paths of its store that cannot lie below the guest's.
type HostCache struct {
	// Port is the host's on vsock, and the guest's own on 127.0.0.1: Nix speaks HTTP over TCP alone.
	Port uint32 `json:"port"`
}

// userConf is what all users' nix.conf say. With loopback alone Nix's newer commands take it that there is nobody to fetch from, whatever
// the system's nix.conf says: before they look, they forget that it was said there.
const userConf = "/etc/xdg/nix/nix.conf"

// listen makes the cache reachable for Nix.
func (c *HostCache) listen() error {
	if err := appendLine(userConf, "substitute = true"); err != nil {
		journal.Error("Nix may not ask the host's binary cache: %v", err)
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", c.Port))
	if err != nil {
		return fmt.Errorf("cannot listen for Nix: %w", err)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				journal.Error("the host's binary cache: %v", err)
				return
			}
			go c.relay(conn)
		}
	}()
	return nil
}

// relay joins a connection of Nix with one to the host. HTTP says itself where a message ends, so the first end ends both.
func (c *HostCache) relay(near net.Conn) {
	defer near.Close()
	far, err := vsock.Dial(vsock.Host, c.Port, nil)
	if err != nil {
		journal.Error("the host's binary cache does not answer: %v", err)
		return
	}
	defer far.Close()
	over := make(chan struct{}, 2)
	pass := func(to io.Writer, from io.Reader) {
		// Plain reads and writes, no larger than the host's side of vsock can take.
		io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, protocol.MaxWrite))
		over <- struct{}{}
	}
	go pass(far, near)
	go pass(near, far)
	<-over
}

func appendLine(path, line string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = file.WriteString(line + "\n")
	return errors.Join(err, file.Close())
}
