package serve

import (
	"bytes"
	"fmt"
	"net"
	"time"

	"vzagent/protocol"
	"vzagent/stream"
)

// greetingPatience is how long a client of serve mode may take to say CONNECT.
const greetingPatience = 10 * time.Second

// Greeted speaks `CONNECT 1024\n` → `OK 1\n` on each connection of inner before it is served: what vhost-device-vsock does for
// the real agent. Another port, or another word, is closed without an answer, as there.
func Greeted(inner net.Listener) net.Listener {
	l := &greeted{Listener: inner, ready: make(chan net.Conn), failed: make(chan error, 1)}
	go l.run()
	return l
}

type greeted struct {
	net.Listener
	ready  chan net.Conn
	failed chan error
}

func (l *greeted) run() {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			l.failed <- err
			return
		}
		go func() {
			early, err := greet(conn)
			if err != nil {
				conn.Close()
				return
			}
			l.ready <- &earlyConn{Conn: conn.(stream.Conn), early: early}
		}()
	}
}

func (l *greeted) Accept() (net.Conn, error) {
	select {
	case conn := <-l.ready:
		return conn, nil
	case err := <-l.failed:
		return nil, err
	}
}

// greet reads the greeting, answers it, and returns what came with it.
func greet(conn net.Conn) (early []byte, err error) {
	conn.SetReadDeadline(time.Now().Add(greetingPatience))
	defer conn.SetReadDeadline(time.Time{})
	var said []byte
	chunk := make([]byte, 4096)
	for {
		n, err := conn.Read(chunk)
		said = append(said, chunk[:n]...)
		if line, rest, whole := bytes.Cut(said, []byte("\n")); whole {
			if string(line) != fmt.Sprintf("CONNECT %d", protocol.AgentPort) {
				return nil, fmt.Errorf("unknown greeting %q", line)
			}
			_, err = conn.Write([]byte("OK 1\n"))
			return rest, err
		}
		if err != nil || len(said) > 64 {
			return nil, fmt.Errorf("no greeting: %v", err)
		}
	}
}

// earlyConn gives what was read with the greeting before the rest.
type earlyConn struct {
	stream.Conn
	early []byte
}

func (c *earlyConn) Read(p []byte) (int, error) {
	if len(c.early) > 0 {
		n := copy(p, c.early)
		c.early = c.early[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}
