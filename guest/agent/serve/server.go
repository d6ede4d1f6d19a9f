// Package serve is the agent's HTTP server: plain requests, and the upgrade of a request to a stream.
package serve

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"vzagent/events"
	"vzagent/fault"
	"vzagent/guest"
	"vzagent/journal"
	"vzagent/protocol"
)

// maxBody is the largest body of a plain request in bytes.
const maxBody = 4 << 20

// Machine is what the server cannot do itself, because PID 1 of a guest and an ordinary process of serve mode differ in it.
type Machine interface {
	// Configure makes the machine what the body says. It is called at most once.
	Configure(body []byte) (*guest.Guest, any, error)
	// SetTime returns how far the clock was off, and whether it was set.
	SetTime(unixMs int64) (driftMs int64, adjusted bool, err error)
	// Busy says whether streams are open, whenever that changes.
	Busy(busy bool)
	// RefreshStore makes what the host's Nix store has now usable.
	RefreshStore(body []byte) error
	// Sync writes everything to the disks.
	Sync() error
	// Shutdown ends the machine, some time after it returns.
	Shutdown(reason string)
}

// Server answers the host.
type Server struct {
	Version string
	Arch    string
	Machine Machine
	Events  *events.Emitter

	guest       atomic.Pointer[guest.Guest]
	configuring atomic.Bool
	streams     streamCount
}

// Configured makes the operations available.
func (s *Server) Configured(g *guest.Guest) {
	s.configuring.Store(true)
	s.guest.Store(g)
}

// Run serves until the listener fails.
func (s *Server) Run(listener net.Listener) error {
	server := &http.Server{
		Handler: s.routes(), ReadHeaderTimeout: 30 * time.Second, ErrorLog: log.New(journalWriter{}, "", 0),
	}
	return server.Serve(SmallWrites(listener))
}

type journalWriter struct{}

func (journalWriter) Write(p []byte) (int, error) {
	journal.Error("http: %s", p)
	return len(p), nil
}

// operation answers one plain request; g is nil for those that work before `configure`.
type operation func(s *Server, g *guest.Guest, body []byte) (any, error)

type route struct {
	method, path string
	// early operations work before `configure`.
	early bool
	run   operation
}

func (s *Server) routes() http.Handler {
	table := map[string]route{}
	for _, r := range append(plainRoutes, fileRoutes...) {
		table[r.path] = r
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := checkProtocol(r); err != nil {
			reject(w, err)
			return
		}
		if r.URL.Path == "/v1/stream" {
			s.upgrade(w, r)
			return
		}
		found, known := table[r.URL.Path]
		switch {
		case !known:
			reject(w, fault.New("ENOENT", "the agent has no %s", r.URL.Path))
		case found.method != r.Method:
			reject(w, fault.New(fault.BadRequest, "%s wants %s, not %s", found.path, found.method, r.Method))
		default:
			s.answer(w, r, found)
		}
	})
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, found route) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		reject(w, fault.New(fault.BadRequest, "cannot read the body of %s: %v", found.path, err))
		return
	}
	g := s.guest.Load()
	if g == nil && !found.early {
		reject(w, fault.New(fault.NotConfigured, "%s works only after /v1/configure", found.path))
		return
	}
	result, err := found.run(s, g, body)
	if err != nil {
		reject(w, err)
		return
	}
	reply(w, http.StatusOK, result)
	if found.path == shutdownPath {
		awaitHangUp(w, r)
		s.Machine.Shutdown("asked by the host")
	}
}

// shutdownPath is the one request that is carried out after its answer.
const shutdownPath = "/v1/shutdown"

// hangUpPatience is how long the host may take to hang up.
const hangUpPatience = 5 * time.Second

// awaitHangUp returns when the host has hung up: it has the answer then. What is still under way in vsock dies with the machine.
func awaitHangUp(w http.ResponseWriter, r *http.Request) {
	if http.NewResponseController(w).Flush() != nil {
		return
	}
	select {
	case <-r.Context().Done():
	case <-time.After(hangUpPatience):
	}
}

func checkProtocol(r *http.Request) error {
	said := r.Header.Get("Vzshell-Protocol")
	if said == strconv.Itoa(protocol.Version) {
		return nil
	}
	return fault.New(fault.Protocol, "the host speaks protocol %q, this agent speaks %d: image and vzshell are of different versions",
		said, protocol.Version)
}

func reject(w http.ResponseWriter, err error) {
	known := fault.From(err)
	reply(w, known.Status(), map[string]*fault.Fault{"error": known})
}

func reply(w http.ResponseWriter, status int, value any) {
	if text, plain := value.(string); plain {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		io.WriteString(w, text)
		return
	}
	body, err := json.Marshal(value)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":{"code":"internal","message":"the answer is not JSON"}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}

// decode reads the JSON of a request; an empty body is an empty object.
func decode(body []byte, into any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fault.New(fault.BadRequest, "this is not the JSON that was expected: %v", err)
	}
	return nil
}
