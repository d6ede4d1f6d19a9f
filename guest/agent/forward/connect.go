// Package forward is the operation `connect`: a connection to something that listens in the guest.
package forward

import (
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"vzagent/fault"
	"vzagent/guest"
	"vzagent/protocol"
	"vzagent/stream"
)

// patience with a peer that does not answer the call.
const patience = 10 * time.Second

// Request is the START frame of `connect`.
type Request struct {
	Port int    `json:"port"`
	Host string `json:"host"`
	Path string `json:"path"`
	User string `json:"user"`
}

// duplex is a connection whose two directions end on their own: TCP and unix sockets.
type duplex interface {
	net.Conn
	CloseWrite() error
}

// Run serves one connect. An error is what the ERROR frame shall say.
func Run(s *stream.Stream, g *guest.Guest, start []byte) (any, error) {
	var r Request
	if err := stream.Decode(start, &r); err != nil {
		return nil, err
	}
	peer, err := r.dial(g)
	if err != nil {
		return nil, err
	}
	defer peer.Close()
	if err := s.SendJSON(protocol.Started, struct{}{}); err != nil {
		return nil, err
	}
	in := s.NewInflow(peer, func() { peer.CloseWrite() })
	go func() {
		receive(s, in)
		peer.Close() // the host is gone: nobody will read what peer still says
	}()
	if err := send(s, peer); err != nil {
		return nil, err
	}
	if err := in.Wait(); err != nil {
		return nil, err
	}
	return struct{}{}, nil
}

func (r *Request) dial(g *guest.Guest) (conn duplex, err error) {
	user, err := g.As(r.User)
	if err != nil {
		return nil, err
	}
	if r.Path != "" {
		err = user.WithIdentity(func() error {
			conn, err = dialUnix(r.Path)
			return err
		})
		return conn, err
	}
	if r.Port < 1 || r.Port > 65535 {
		return nil, fault.New(fault.BadRequest, "port %d is not between 1 and 65535", r.Port)
	}
	hosts := []string{r.Host}
	if r.Host == "" {
		hosts = []string{"127.0.0.1", "::1"}
	}
	for _, host := range hosts {
		address := net.JoinHostPort(host, strconv.Itoa(r.Port))
		tcp, dialErr := net.DialTimeout("tcp", address, patience)
		if dialErr == nil {
			return tcp.(*net.TCPConn), nil
		}
		if err == nil || !errors.Is(dialErr, unix.EADDRNOTAVAIL) {
			err = explain(dialErr, strings.Join(hosts, " or "), r.Port)
		}
	}
	return nil, err
}

func explain(err error, host string, port int) error {
	if errors.Is(err, unix.ECONNREFUSED) {
		return fault.New(fault.Refused, "nobody listens on port %d of %s in the guest", port, host)
	}
	known := fault.From(err)
	return fault.New(known.Code, "cannot connect to port %d of %s in the guest: %v", port, host, err)
}

// dialUnix connects on the calling thread: Go's own dialer would, too, but does not promise it.
func dialUnix(path string) (duplex, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		if err = unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
			unix.Close(fd)
		}
	}
	switch {
	case err == unix.ECONNREFUSED:
		return nil, fault.New(fault.Refused, "nobody listens on the socket %q in the guest", path)
	case err != nil:
		return nil, fault.New(fault.From(err).Code, "cannot connect to the socket %q in the guest: %v", path, err)
	}
	return adopt(fd)
}

// send carries what the peer says until it has said everything.
func send(s *stream.Stream, peer duplex) error {
	buffer := make([]byte, protocol.MaxWrite)
	for {
		n, err := peer.Read(buffer[protocol.HeaderSize:])
		if n > 0 {
			if sendErr := s.SendBuffer(protocol.Data, buffer, n); sendErr != nil {
				return sendErr
			}
		}
		if err == io.EOF {
			return s.Send(protocol.EOF, nil)
		}
		if err != nil {
			return err
		}
	}
}

// receive carries what the host says. It returns when the host is gone, or talks nonsense; not at its EOF, because the peer may
// then still have much to say to somebody who has left.
func receive(s *stream.Stream, in *stream.Inflow) {
	defer in.End()
	for {
		frame, err := s.Next()
		switch {
		case err != nil:
			return
		case frame.Type == protocol.Data:
			err = in.Push(frame.Payload)
		case frame.Type == protocol.EOF:
			in.End()
		default:
			return
		}
		if err != nil {
			return
		}
	}
}
