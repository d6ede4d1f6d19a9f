// Package protocol is the wire format between host and guest agent. Its twin is src/agent/protocol.ts: same order, same names,
// and both decode test/vectors/frames.json. A frame is length (u32, big endian, of the payload), type (u8), payload. Half-close
// does not cross vsock, so the end of a stream is a frame too. A length over the limit ends the connection before a byte of it
// is kept. The operations are described in guest/CONTRACT.md.
package protocol

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// Version of the contract in guest/CONTRACT.md. Both sides name theirs in every greeting.
const Version = 1

// AgentPort is the vsock port on which the agent serves HTTP.
const AgentPort = 1024

// EventsPort is the vsock port of the host on which the agent's events arrive.
const EventsPort = 1025

// HeaderSize is the number of bytes of a frame's header.
const HeaderSize = 5

// MaxPayload is the largest payload, in bytes, that either side accepts (START apart).
const MaxPayload = 64 * 1024

// MaxStart is the largest START payload in bytes: an argument list and an environment may be long.
const MaxStart = 4 * 1024 * 1024

// MaxEventLine is the largest line of the event connection in bytes.
const MaxEventLine = 8 * 1024

// MaxWrite is the most that one system call may give to a vsock socket: vhost-device-vsock 0.3 silently loses larger packets.
const MaxWrite = 16 * 1024

// MaxSend is the largest payload that the guest sends, so that a frame is one write.
const MaxSend = MaxWrite - HeaderSize

// Window is how many bytes of DATA frames, headers included, the host sends at most before a WINDOW frame says that some have been
// taken. All of them fit into the 256 KiB that the guest's kernel keeps for a connection, so that the host's side of vsock never has
// to wait for room: vhost-device-vsock 0.3 then forgets what it has buffered for the host, and both directions stand still for good.
const Window = 192 * 1024

// FrameType says what a frame means.
type FrameType uint8

// The frame types, in the order of the contract.
const (
	Start FrameType = iota + 1
	Started
	Data
	Stderr
	EOF
	Resize
	Signal
	Exit
	Error
	Taken
)

// Frame is one message.
type Frame struct {
	Type    FrameType
	Payload []byte
}

// EncodeFrame returns one frame as bytes. The caller keeps to the limits; a violation is a bug of ours, hence the panic.
func EncodeFrame(kind FrameType, payload []byte) []byte {
	if len(payload) > MaxSend {
		panic(fmt.Sprintf("frame of %d bytes is over the limit of %d", len(payload), MaxSend))
	}
	frame := make([]byte, HeaderSize+len(payload))
	PutHeader(frame, kind, len(payload))
	copy(frame[HeaderSize:], payload)
	return frame
}

// PutHeader writes a header to the start of frame, whose payload the caller has put behind it.
func PutHeader(frame []byte, kind FrameType, length int) {
	binary.BigEndian.PutUint32(frame, uint32(length))
	frame[4] = byte(kind)
}

// EncodeJSON returns one frame that carries JSON.
func EncodeJSON(kind FrameType, value any) ([]byte, error) {
	payload, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return EncodeFrame(kind, payload), nil
}

// ViolationError: what a peer sent cannot be a frame. The connection is not usable any more.
type ViolationError struct{ reason string }

func (e *ViolationError) Error() string { return e.reason }

// FrameDecoder cuts a byte stream into frames.
type FrameDecoder struct {
	source io.Reader
	header [HeaderSize]byte
}

// NewFrameDecoder reads frames from source, which should be buffered.
func NewFrameDecoder(source io.Reader) *FrameDecoder { return &FrameDecoder{source: source} }

// Next returns the next frame; its payload is the caller's to keep. io.EOF between two frames is the orderly end,
// io.ErrUnexpectedEOF an end in the middle of one, ViolationError a length or type that cannot be.
func (d *FrameDecoder) Next() (Frame, error) {
	if _, err := io.ReadFull(d.source, d.header[:]); err != nil {
		return Frame{}, err
	}
	length, kind := binary.BigEndian.Uint32(d.header[:]), FrameType(d.header[4])
	if kind < Start || kind > Taken {
		return Frame{}, &ViolationError{fmt.Sprintf("unknown frame type %d", kind)}
	}
	limit := uint32(MaxPayload)
	if kind == Start {
		limit = MaxStart
	}
	if length > limit {
		return Frame{}, &ViolationError{fmt.Sprintf("frame of %d bytes, the limit is %d", length, limit)}
	}
	payload := make([]byte, length)
	if _, err := io.ReadFull(d.source, payload); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return Frame{}, err
	}
	return Frame{Type: kind, Payload: payload}, nil
}
