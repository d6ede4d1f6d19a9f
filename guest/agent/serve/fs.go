package serve

import (
	"os"

	"vzagent/fault"
	"vzagent/files"
	"vzagent/guest"
)

// fileRequest is the union of what the operations on files take.
type fileRequest struct {
	Path      string  `json:"path"`
	From      string  `json:"from"`
	To        string  `json:"to"`
	Target    string  `json:"target"`
	User      string  `json:"user"`
	Follow    *bool   `json:"follow"`
	Recursive bool    `json:"recursive"`
	Force     bool    `json:"force"`
	Mode      *uint32 `json:"mode"`
}

var fileRoutes = []route{
	fileRoute("/v1/fs/stat", func(r *fileRequest) (any, error) { return files.ReadStat(r.Path, r.Follow == nil || *r.Follow) }),
	fileRoute("/v1/fs/readdir", func(r *fileRequest) (any, error) {
		entries, err := files.ReadDir(r.Path)
		return map[string][]files.Entry{"entries": entries}, err
	}),
	fileRoute("/v1/fs/mkdir", func(r *fileRequest) (any, error) { return nothing, files.Mkdir(r.Path, r.Recursive, r.Mode) }),
	fileRoute("/v1/fs/rm", func(r *fileRequest) (any, error) { return nothing, files.Remove(r.Path, r.Recursive, r.Force) }),
	fileRoute("/v1/fs/symlink", func(r *fileRequest) (any, error) { return nothing, files.Symlink(r.Target, r.Path, r.Force) }),
	fileRoute("/v1/fs/readlink", func(r *fileRequest) (any, error) {
		target, err := os.Readlink(r.Path)
		return map[string]string{"target": target}, err
	}),
	{"POST", "/v1/fs/rename", false, withUser(func(r *fileRequest) (any, error) { return nothing, os.Rename(r.From, r.To) }, "from", "to")},
}

var nothing = struct{}{}

func fileRoute(path string, run func(*fileRequest) (any, error)) route {
	return route{"POST", path, false, withUser(run, "path")}
}

// withUser runs an operation with the rights of the request's user, once the fields that it needs are there.
func withUser(run func(*fileRequest) (any, error), needs ...string) operation {
	return func(_ *Server, g *guest.Guest, body []byte) (result any, err error) {
		var r fileRequest
		if err := decode(body, &r); err != nil {
			return nil, err
		}
		for _, field := range needs {
			if value := map[string]string{"path": r.Path, "from": r.From, "to": r.To}[field]; value == "" {
				return nil, fault.New(fault.BadRequest, "%q is missing", field)
			}
		}
		user, err := g.As(r.User)
		if err != nil {
			return nil, err
		}
		err = user.WithFiles(func() (err error) {
			result, err = run(&r)
			return err
		})
		return result, err
	}
}
