package serve

import (
	"net/http"
	"strings"
	"sync"

	"vzagent/events"
	"vzagent/execute"
	"vzagent/fault"
	"vzagent/files"
	"vzagent/forward"
	"vzagent/journal"
	"vzagent/protocol"
	"vzagent/stream"
)

const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: vzshell-frames\r\n\r\n"

// upgrade turns a request into a stream and serves it to its end.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || !strings.EqualFold(r.Header.Get("Upgrade"), "vzshell-frames") {
		reject(w, fault.New(fault.BadRequest, "/v1/stream wants GET with Upgrade: vzshell-frames"))
		return
	}
	plain, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		reject(w, err)
		return
	}
	early, _ := buffered.Reader.Peek(buffered.Reader.Buffered())
	connection, err := stream.New(plain.(stream.Conn), early, []byte(switching))
	if err != nil {
		plain.Close()
		return
	}
	s.streams.change(s, 1)
	s.serveStream(connection)
	s.streams.change(s, -1)
	connection.Linger()
}

func (s *Server) serveStream(connection *stream.Stream) {
	frame, err := connection.Next()
	if err != nil {
		connection.Close()
		return
	}
	if frame.Type != protocol.Start {
		connection.Finish(nil, fault.New(fault.BadRequest, "the first frame is of type %d, not START", frame.Type))
		return
	}
	connection.Finish(s.operate(connection, frame.Payload))
}

func (s *Server) operate(connection *stream.Stream, start []byte) (any, error) {
	g := s.guest.Load()
	if g == nil {
		return nil, fault.New(fault.NotConfigured, "streams work only after /v1/configure")
	}
	var request struct {
		Op string `json:"op"`
	}
	if err := stream.Decode(start, &request); err != nil {
		return nil, err
	}
	switch request.Op {
	case "exec":
		return execute.Run(connection, g, start)
	case "connect":
		return forward.Run(connection, g, start)
	case "put", "get", "readFile", "writeFile":
		return files.Stream(request.Op, connection, g, start)
	}
	return nil, fault.New(fault.BadRequest, "there is no operation %q", request.Op)
}

// streamCount tells the host and the machine when it begins and ceases to be in use.
type streamCount struct {
	mutex  sync.Mutex
	active int
	// opened counts all since boot: who opens one itself can tell whether anybody else did.
	opened int
}

func (c *streamCount) change(s *Server, by int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	before := c.active
	c.active += by
	c.opened += max(by, 0)
	if c.active < 0 {
		journal.Bug("%d streams are open", c.active)
	}
	if before == 0 || c.active == 0 {
		s.Events.Emit(events.Streams{Event: "streams", Active: c.active, Opened: c.opened})
		s.Machine.Busy(c.active > 0)
	}
}

func (c *streamCount) load() int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.active
}
