package serve

import (
	"net"
	"syscall"

	"github.com/mdlayher/vsock"

	"vzagent/journal"
	"vzagent/protocol"
	"vzagent/stream"
)

// hostCID is the host's address on vsock.
const hostCID = vsock.Host

// HostOnly accepts connections from the host and closes those of anybody else without a byte: a process in the guest must not
// reach the agent.
func HostOnly(inner net.Listener) net.Listener { return &hostOnly{inner} }

type hostOnly struct{ net.Listener }

func (l *hostOnly) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if fromHost(conn.RemoteAddr()) {
			return conn, nil
		}
		journal.Error("closed a connection from %v: only the host may talk to the agent", conn.RemoteAddr())
		conn.Close()
	}
}

func fromHost(peer net.Addr) bool {
	address, ok := peer.(*vsock.Addr)
	return ok && address.ContextID == hostCID
}

// SmallWrites keeps every write to a connection of inner at or below protocol.MaxWrite bytes a system call. The connections
// have no ReadFrom, so nothing is spliced to them either.
func SmallWrites(inner net.Listener) net.Listener { return &smallWrites{inner} }

type smallWrites struct{ net.Listener }

func (l *smallWrites) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return limitWrites(conn.(stream.Conn)), nil
}

func limitWrites(conn stream.Conn) stream.Conn { return &limitedConn{Conn: conn, raw: conn} }

type limitedConn struct {
	net.Conn
	raw syscall.Conn
}

func (c *limitedConn) Write(p []byte) (written int, err error) {
	for first := true; first || len(p) > 0; first = false {
		n, err := c.Conn.Write(p[:min(len(p), protocol.MaxWrite)])
		written += n
		if err != nil {
			return written, err
		}
		p = p[n:]
	}
	return written, nil
}

func (c *limitedConn) SyscallConn() (syscall.RawConn, error) { return c.raw.SyscallConn() }
