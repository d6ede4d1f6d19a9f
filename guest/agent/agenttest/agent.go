// Package agenttest runs the agent's server inside a test, as serve mode does, and is a client of it.
package agenttest

import (
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"vzagent/account"
	"vzagent/events"
	"vzagent/guest"
	"vzagent/serve"
	"vzagent/stream"
)

// Patience is how long any wait of a test may take before it fails.
const Patience = 20 * time.Second

// Agent is a server of the test's own.
type Agent struct {
	// Socket is where it listens.
	Socket string
	// Events are the lines it sends.
	Events  chan string
	Machine *Machine

	test     testing.TB
	listener net.Listener
	mutex    sync.Mutex
	writes   []int
}

// Start runs an agent that is configured as whoever runs the test.
func Start(t testing.TB) *Agent {
	t.Helper()
	user, err := account.Current()
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	user.Home = home
	agent := StartUnconfigured(t, func(server *serve.Server) {
		server.Configured(&guest.Guest{User: user, Env: map[string]string{"FROM_CONFIGURE": "yes"}})
	})
	return agent
}

// StartUnconfigured runs an agent that `configure` was not called on, after prepare.
func StartUnconfigured(t testing.TB, prepare func(*serve.Server)) *Agent {
	t.Helper()
	agent := &Agent{
		Socket: filepath.Join(t.TempDir(), "agent.sock"), Events: make(chan string, 1000), Machine: &Machine{make(chan string, 100)}, test: t,
	}
	listener, err := net.Listen("unix", agent.Socket)
	if err != nil {
		t.Fatal(err)
	}
	agent.listener = listener
	server := &serve.Server{Version: "test", Arch: "x86_64", Machine: agent.Machine, Events: events.New(lines(agent.Events))}
	if prepare != nil {
		prepare(server)
	}
	go server.Run(serve.Greeted(&counting{listener, agent}))
	t.Cleanup(func() { listener.Close() })
	return agent
}

// LargestWrite is the most bytes that one system call gave to a connection.
func (a *Agent) LargestWrite() int {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	largest := 0
	for _, n := range a.writes {
		largest = max(largest, n)
	}
	return largest
}

// Event waits for the next event line.
func (a *Agent) Event() string {
	a.test.Helper()
	select {
	case line := <-a.Events:
		return line
	case <-time.After(Patience):
		a.test.Fatal("no event came")
		return ""
	}
}

// Asked waits for the next thing that is asked of the machine.
func (a *Agent) Asked() string {
	a.test.Helper()
	select {
	case what := <-a.Machine.asked:
		return what
	case <-time.After(Patience):
		a.test.Fatal("nothing was asked of the machine")
		return ""
	}
}

type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// counting sits where the socket is: what it sees is what the kernel gets.
type counting struct {
	net.Listener
	agent *Agent
}

func (l *counting) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &countedConn{conn.(stream.Conn), l.agent}, nil
}

type countedConn struct {
	stream.Conn
	agent *Agent
}

func (c *countedConn) Write(p []byte) (int, error) {
	c.agent.mutex.Lock()
	c.agent.writes = append(c.agent.writes, len(p))
	c.agent.mutex.Unlock()
	return c.Conn.Write(p)
}

// Machine is a machine that does nothing but remember.
type Machine struct {
	// asked has room for more than a test asks.
	asked chan string
}

// Configure makes a guest of the current user.
func (m *Machine) Configure([]byte) (*guest.Guest, any, error) {
	m.asked <- "configure"
	user, err := account.Current()
	return &guest.Guest{User: user}, struct{}{}, err
}

// SetTime only compares.
func (m *Machine) SetTime(unixMs int64) (int64, bool, error) {
	m.asked <- "time"
	return time.Now().UnixMilli() - unixMs, false, nil
}

// Busy does nothing.
func (m *Machine) Busy(bool) {}

// RefreshStore does nothing.
func (m *Machine) RefreshStore([]byte) error { return nil }

// Sync does nothing.
func (m *Machine) Sync() error {
	m.asked <- "sync"
	return nil
}

// Shutdown does nothing.
func (m *Machine) Shutdown(reason string) { m.asked <- "shutdown" }
