// Package stream is the connection of one streaming operation after its upgrade: frames both ways.
package stream

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"vzagent/fault"
	"vzagent/protocol"
)

// lingering is how long the agent reads on after its last frame, so that the host is the one who closes.
const lingering = 30 * time.Second

// Conn is a connection whose descriptor can be watched.
type Conn interface {
	net.Conn
	syscall.Conn
}

// Stream carries the frames of one operation. A write error closes the connection, so that the reading side learns of it.
type Stream struct {
	conn     Conn
	decoder  *protocol.FrameDecoder
	mutex    sync.Mutex
	greeting []byte
	// Bytes of DATA frames that are taken and were not told to the host, and whether it is too late to do so.
	taken    int
	finished bool
}

// New makes a stream of a connection. early is what was read past the HTTP header; greeting is the answer to it. With early
// bytes the greeting waits for the first frame and shares its packet, else it goes out at once: a client may wait for it.
func New(conn Conn, early, greeting []byte) (*Stream, error) {
	source := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(early), conn), 32*1024)
	s := &Stream{conn: conn, decoder: protocol.NewFrameDecoder(source), greeting: greeting}
	if len(early) > 0 {
		return s, nil
	}
	return s, s.write(nil)
}

// Next is the next frame from the host. Any error means that the host is gone, or might as well be.
func (s *Stream) Next() (protocol.Frame, error) { return s.decoder.Next() }

// Send sends one frame.
func (s *Stream) Send(kind protocol.FrameType, payload []byte) error {
	return s.write(protocol.EncodeFrame(kind, payload))
}

// SendJSON sends one frame that carries JSON.
func (s *Stream) SendJSON(kind protocol.FrameType, value any) error {
	frame, err := protocol.EncodeJSON(kind, value)
	if err != nil {
		return err
	}
	return s.write(frame)
}

// SendBuffer sends length bytes that the caller has put behind the header's place in buffer, without copying them.
func (s *Stream) SendBuffer(kind protocol.FrameType, buffer []byte, length int) error {
	protocol.PutHeader(buffer, kind, length)
	return s.write(buffer[:protocol.HeaderSize+length])
}

// Took says that the DATA frame with this payload is out of the way, so that the host may send more.
func (s *Stream) Took(payload []byte) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.taken += protocol.HeaderSize + len(payload)
	if s.finished || s.taken < protocol.Window/4 {
		return
	}
	s.writeLocked(protocol.EncodeFrame(protocol.Taken, binary.BigEndian.AppendUint32(nil, uint32(s.taken))))
	s.taken = 0
}

func (s *Stream) write(frame []byte) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.writeLocked(frame)
}

func (s *Stream) writeLocked(frame []byte) error {
	if len(s.greeting) > 0 {
		if len(s.greeting)+len(frame) <= protocol.MaxWrite {
			frame = append(s.greeting, frame...)
		} else if _, err := s.conn.Write(s.greeting); err != nil {
			s.conn.Close()
			return err
		}
		s.greeting = nil
	}
	if _, err := s.conn.Write(frame); err != nil {
		s.conn.Close()
		return err
	}
	return nil
}

// Finish sends the last frame: ERROR with what err says, or EXIT with result.
func (s *Stream) Finish(result any, err error) {
	s.mutex.Lock()
	s.finished = true
	s.mutex.Unlock()
	if err != nil {
		s.SendJSON(protocol.Error, fault.From(err))
		return
	}
	s.SendJSON(protocol.Exit, result)
}

// Linger reads and drops what still comes, until the host closes or its patience with us is over; then it closes.
func (s *Stream) Linger() {
	s.conn.SetReadDeadline(time.Now().Add(lingering))
	io.Copy(io.Discard, struct{ io.Reader }{s.conn})
	s.conn.Close()
}

// Close ends the connection and every call that waits on it.
func (s *Stream) Close() { s.conn.Close() }

// Decode reads the JSON of a frame from the host.
func Decode(payload []byte, into any) error {
	if err := json.Unmarshal(payload, into); err != nil {
		return fault.New(fault.BadRequest, "this is not the JSON that was expected: %v", err)
	}
	return nil
}
