package forward_test

import (
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vzagent/agenttest"
	"vzagent/protocol"
)

type object = map[string]any

// answering listens and serves each connection with answer.
func answering(t *testing.T, network, address string, answer func(net.Conn)) net.Listener {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				answer(conn)
			}()
		}
	}()
	return listener
}

// reverse answers only when it has heard everything: it needs the end of the one direction and keeps the other.
func reverse(conn net.Conn) {
	data, _ := io.ReadAll(conn)
	for i, j := 0, len(data)-1; i < j; i, j = i+1, j-1 {
		data[i], data[j] = data[j], data[i]
	}
	conn.Write(data)
}

func TestBothDirectionsEndOnTheirOwn(t *testing.T) {
	agent := agenttest.Start(t)
	data := make([]byte, 1<<20)
	rand.Read(data)
	want := make([]byte, len(data))
	for i := range data {
		want[len(data)-1-i] = data[i]
	}
	tcp := answering(t, "tcp", "127.0.0.1:0", reverse)
	path := filepath.Join(t.TempDir(), "socket")
	answering(t, "unix", path, reverse)
	for name, start := range map[string]object{
		"tcp":  {"op": "connect", "port": tcp.Addr().(*net.TCPAddr).Port},
		"host": {"op": "connect", "host": "localhost", "port": tcp.Addr().(*net.TCPAddr).Port},
		"unix": {"op": "connect", "path": path},
	} {
		stream := agent.Stream(start)
		stream.SendAll(data)
		got := stream.Finish()
		if got.Stdout != string(want) || !got.EOF || got.Exit != "{}" || got.Started != "{}" {
			t.Errorf("%s: %d bytes, EOF %v, %q, %q", name, len(got.Stdout), got.EOF, got.Exit, got.Error)
		}
	}
}

func TestNobodyListens(t *testing.T) {
	agent := agenttest.Start(t)
	listener := answering(t, "tcp", "127.0.0.1:0", reverse)
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	dead := filepath.Join(t.TempDir(), "dead")
	gone, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	gone.SetUnlinkOnClose(false)
	gone.Close()
	for name, row := range map[string]struct {
		start object
		code  string
	}{
		"tcp":            {object{"port": port}, "refused"},
		"unix":           {object{"path": dead}, "refused"},
		"no such socket": {object{"path": "/no/such"}, "ENOENT"},
		"no port":        {object{}, "bad-request"},
		"port too high":  {object{"port": 70000}, "bad-request"},
	} {
		row.start["op"] = "connect"
		if got := agent.Stream(row.start).Finish(); !strings.Contains(got.Error, `"`+row.code+`"`) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestAClientThatVanishesClosesTheConnection(t *testing.T) {
	agent := agenttest.Start(t)
	ended := make(chan error, 1)
	listener := answering(t, "tcp", "127.0.0.1:0", func(conn net.Conn) {
		conn.Write([]byte("hello"))
		conn.SetReadDeadline(time.Now().Add(agenttest.Patience))
		_, err := conn.Read(make([]byte, 1))
		ended <- err
	})
	for _, eofFirst := range []bool{false, true} {
		stream := agent.Stream(object{"op": "connect", "port": listener.Addr().(*net.TCPAddr).Port})
		stream.Expect(protocol.Started)
		stream.ExpectText("hello")
		if eofFirst {
			stream.Send(protocol.EOF, nil)
		}
		stream.Conn.Close()
		if err := <-ended; err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("EOF first %v: the server was left with %v", eofFirst, err)
		}
	}
}
