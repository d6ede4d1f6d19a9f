package stream

import "vzagent/protocol"

// Output is an io.Writer whose bytes become DATA frames of the largest size that is allowed. Flush at the end.
type Output struct {
	stream *Stream
	buffer [protocol.MaxWrite]byte
	filled int
}

// NewOutput makes an Output of a stream.
func NewOutput(s *Stream) *Output { return &Output{stream: s} }

// Write never keeps p.
func (o *Output) Write(p []byte) (int, error) {
	written := len(p)
	for len(p) > 0 {
		n := copy(o.buffer[protocol.HeaderSize+o.filled:], p)
		o.filled += n
		p = p[n:]
		if o.filled == protocol.MaxSend {
			if err := o.Flush(); err != nil {
				return 0, err
			}
		}
	}
	return written, nil
}

// Flush sends what is left.
func (o *Output) Flush() error {
	if o.filled == 0 {
		return nil
	}
	length := o.filled
	o.filled = 0
	return o.stream.SendBuffer(protocol.Data, o.buffer[:], length)
}
