package files

import (
	"vzagent/fault"
	"vzagent/guest"
	"vzagent/protocol"
	"vzagent/stream"
)

// Stream serves `put`, `get`, `readFile` and `writeFile`.
func Stream(op string, s *stream.Stream, g *guest.Guest, start []byte) (result any, err error) {
	var common struct {
		User string `json:"user"`
		Path string `json:"path"`
	}
	if err := stream.Decode(start, &common); err != nil {
		return nil, err
	}
	if common.Path == "" {
		return nil, fault.New(fault.BadRequest, "%s needs a path", op)
	}
	user, err := g.As(common.User)
	if err != nil {
		return nil, err
	}
	result = struct{}{}
	err = user.WithFiles(func() error {
		switch op {
		case "put":
			entries, err := Unpack(NewInput(s), common.Path, user.UID == 0, func() error {
				return s.SendJSON(protocol.Started, struct{}{})
			})
			result = map[string]int{"entries": entries}
			return err
		case "get":
			entries, err := Pack(s, common.Path)
			result = map[string]int{"entries": entries}
			return err
		case "readFile":
			var r ReadRequest
			if err := stream.Decode(start, &r); err != nil {
				return err
			}
			return Read(s, r)
		default:
			var r WriteRequest
			if err := stream.Decode(start, &r); err != nil {
				return err
			}
			return Write(s, r)
		}
	})
	return result, err
}
