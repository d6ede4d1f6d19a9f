package files

import (
	"io"

	"vzagent/fault"
	"vzagent/protocol"
	"vzagent/stream"
)

// input is an io.Reader of the DATA frames up to EOF.
type input struct {
	stream *stream.Stream
	frame  []byte
	rest   []byte
	ended  bool
}

// NewInput reads what the host sends. Its end is the EOF frame; a connection that ends without one is an error.
func NewInput(s *stream.Stream) io.Reader { return &input{stream: s} }

func (in *input) Read(p []byte) (int, error) {
	for len(in.rest) == 0 {
		if in.ended {
			return 0, io.EOF
		}
		frame, err := in.stream.Next()
		switch {
		case err == io.EOF:
			return 0, stream.ErrGone
		case err != nil:
			return 0, err
		case frame.Type == protocol.Data:
			in.frame, in.rest = frame.Payload, frame.Payload
		case frame.Type == protocol.EOF:
			in.ended = true
		default:
			return 0, fault.New(fault.BadRequest, "a frame of type %d has no meaning here", frame.Type)
		}
	}
	n := copy(p, in.rest)
	in.rest = in.rest[n:]
	if len(in.rest) == 0 {
		in.stream.Took(in.frame)
	}
	return n, nil
}
