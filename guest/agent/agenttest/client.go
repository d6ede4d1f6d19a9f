package agenttest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"vzagent/protocol"
)

// Dial connects and greets.
func (a *Agent) Dial() (net.Conn, *bufio.Reader) {
	a.test.Helper()
	conn, err := net.Dial("unix", a.Socket)
	if err != nil {
		a.test.Fatal(err)
	}
	a.test.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(Patience))
	reader := bufio.NewReader(conn)
	fmt.Fprintf(conn, "CONNECT %d\n", protocol.AgentPort)
	if line, err := reader.ReadString('\n'); line != "OK 1\n" {
		a.test.Fatalf("greeting answered %q, %v", line, err)
	}
	return conn, reader
}

// Request makes one plain request and returns the status and the body.
func (a *Agent) Request(method, path, body string, header ...string) (int, string) {
	a.test.Helper()
	status, text, conn := a.RequestAndHold(method, path, body, header...)
	conn.Close()
	return status, text
}

// RequestAndHold is Request, without hanging up.
func (a *Agent) RequestAndHold(method, path, body string, header ...string) (int, string, net.Conn) {
	a.test.Helper()
	conn, reader := a.Dial()
	if len(header) == 0 {
		header = []string{"Vzshell-Protocol: 1"}
	}
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: guest\r\n%s\r\nContent-Length: %d\r\n\r\n%s",
		method, path, strings.Join(header, "\r\n"), len(body), body)
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		a.test.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		a.test.Fatal(err)
	}
	return response.StatusCode, string(text), conn
}

// Stream is the client's end of one operation.
type Stream struct {
	Conn    net.Conn
	test    testing.TB
	decoder *protocol.FrameDecoder
	// Bytes that may be sent; whoever reads frames fills it up.
	window chan int
}

// Stream begins an operation: header and START in one write, as the real client does.
func (a *Agent) Stream(start any) *Stream {
	a.test.Helper()
	conn, reader := a.Dial()
	payload, err := json.Marshal(start)
	if err != nil {
		a.test.Fatal(err)
	}
	var request bytes.Buffer
	request.WriteString("GET /v1/stream HTTP/1.1\r\nHost: guest\r\nVzshell-Protocol: 1\r\nConnection: Upgrade\r\nUpgrade: vzshell-frames\r\n\r\n")
	var header [protocol.HeaderSize]byte
	protocol.PutHeader(header[:], protocol.Start, len(payload))
	request.Write(header[:])
	request.Write(payload)
	if _, err := conn.Write(request.Bytes()); err != nil {
		a.test.Fatal(err)
	}
	response, err := http.ReadResponse(reader, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		a.test.Fatalf("no upgrade: %v, %v", response, err)
	}
	s := &Stream{conn, a.test, protocol.NewFrameDecoder(reader), make(chan int, 1)}
	s.window <- protocol.Window
	return s
}

// Send sends one frame.
func (s *Stream) Send(kind protocol.FrameType, payload []byte) {
	s.test.Helper()
	if _, err := s.Conn.Write(protocol.EncodeFrame(kind, payload)); err != nil {
		s.test.Fatal(err)
	}
}

// SendAll sends bytes as DATA frames and then EOF, from a goroutine, as fast as the agent takes them: somebody must read.
func (s *Stream) SendAll(data []byte) {
	go func() {
		room := 0
		for len(data) > 0 {
			n := min(len(data), protocol.MaxSend)
			for room < protocol.HeaderSize+n {
				room += <-s.window
			}
			room -= protocol.HeaderSize + n
			if _, err := s.Conn.Write(protocol.EncodeFrame(protocol.Data, data[:n])); err != nil {
				return
			}
			data = data[n:]
		}
		s.Conn.Write(protocol.EncodeFrame(protocol.EOF, nil))
	}()
}

// Next is the next frame.
func (s *Stream) Next() protocol.Frame {
	s.test.Helper()
	frame, err := s.next()
	if err != nil {
		s.test.Fatalf("the stream ended early: %v", err)
	}
	return frame
}

// next keeps what was taken to itself.
func (s *Stream) next() (protocol.Frame, error) {
	for {
		frame, err := s.decoder.Next()
		if err != nil || frame.Type != protocol.Taken {
			return frame, err
		}
		taken := int(binary.BigEndian.Uint32(frame.Payload))
		select {
		case left := <-s.window:
			s.window <- left + taken
		default:
			s.window <- taken
		}
	}
}

// Expect is the next frame, which must be of this type.
func (s *Stream) Expect(kind protocol.FrameType) []byte {
	s.test.Helper()
	frame := s.Next()
	if frame.Type != kind {
		s.test.Fatalf("got frame %d %q, want %d", frame.Type, frame.Payload, kind)
	}
	return frame.Payload
}

// ExpectText reads DATA until all of it contains text, and returns it.
func (s *Stream) ExpectText(text string) string {
	s.test.Helper()
	var seen strings.Builder
	for !strings.Contains(seen.String(), text) {
		frame, err := s.next()
		if err != nil || frame.Type != protocol.Data {
			s.test.Fatalf("waited for %q, saw %q, then frame %d %q, %v", text, seen.String(), frame.Type, frame.Payload, err)
		}
		seen.Write(frame.Payload)
	}
	return seen.String()
}

// Outcome is everything a stream said.
type Outcome struct {
	Started, Stdout, Stderr, Exit, Error string
	EOF                                  bool
}

// Finish reads to the last frame.
func (s *Stream) Finish() (o Outcome) {
	s.test.Helper()
	var stdout, stderr bytes.Buffer
	for {
		frame := s.Next()
		switch frame.Type {
		case protocol.Started:
			o.Started = string(frame.Payload)
		case protocol.Data:
			stdout.Write(frame.Payload)
		case protocol.Stderr:
			stderr.Write(frame.Payload)
		case protocol.EOF:
			o.EOF = true
		case protocol.Exit, protocol.Error:
			if frame.Type == protocol.Exit {
				o.Exit = string(frame.Payload)
			} else {
				o.Error = string(frame.Payload)
			}
			o.Stdout, o.Stderr = stdout.String(), stderr.String()
			s.Conn.Close()
			return o
		default:
			s.test.Fatalf("unexpected frame %d", frame.Type)
		}
	}
}
