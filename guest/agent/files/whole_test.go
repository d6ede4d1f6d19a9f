package files_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vzagent/agenttest"
	"vzagent/protocol"
)

func TestReadFile(t *testing.T) {
	agent := agenttest.Start(t)
	path := filepath.Join(t.TempDir(), "file")
	data := make([]byte, 200_000)
	rand.Read(data)
	must(t, os.WriteFile(path, data, 0o600))
	for _, row := range []struct {
		name string
		more object
		want []byte
	}{
		{"whole", object{}, data},
		{"from the middle", object{"offset": 150_000}, data[150_000:]},
		{"a piece", object{"offset": 10, "length": 20_000}, data[10:20_010]},
		{"nothing", object{"length": 0}, nil},
		{"past the end", object{"offset": 300_000}, nil},
	} {
		start := object{"op": "readFile", "path": path}
		for key, value := range row.more {
			start[key] = value
		}
		got := agent.Stream(start).Finish()
		if got.Stdout != string(row.want) || !got.EOF || got.Exit != "{}" || got.Started != `{"size":200000}` {
			t.Errorf("%s: %d bytes, EOF %v, %q, %q", row.name, len(got.Stdout), got.EOF, got.Exit, got.Error)
		}
	}
	for path, code := range map[string]string{t.TempDir(): "EISDIR", "/no/such": "ENOENT", path + "/x": "ENOTDIR", "": "bad-request"} {
		if got := agent.Stream(object{"op": "readFile", "path": path}).Finish(); !strings.Contains(got.Error, `"`+code+`"`) {
			t.Errorf("%q: %+v", path, got)
		}
	}
}

func TestWriteFile(t *testing.T) {
	agent := agenttest.Start(t)
	path := filepath.Join(t.TempDir(), "file")
	for _, row := range []struct {
		name    string
		more    object
		content string // of the file afterwards
		mode    os.FileMode
		code    string
	}{
		{"new", object{}, "data", 0o644, ""},
		{"again", object{"flag": "w"}, "data", 0o644, ""},
		{"appended", object{"flag": "a"}, "datadata", 0o644, ""},
		{"must not exist", object{"flag": "wx"}, "datadata", 0o644, "EEXIST"},
		{"with a mode", object{"mode": 0o700}, "data", 0o700, ""},
		{"unknown flag", object{"flag": "r+"}, "data", 0o700, "bad-request"},
	} {
		start := object{"op": "writeFile", "path": path}
		for key, value := range row.more {
			start[key] = value
		}
		stream := agent.Stream(start)
		stream.SendAll([]byte("data"))
		got := stream.Finish()
		if row.code == "" && got.Exit != "{}" || row.code != "" && !strings.Contains(got.Error, row.code) {
			t.Errorf("%s: %+v", row.name, got)
		}
		content, err := os.ReadFile(path)
		info, _ := os.Stat(path)
		if err != nil || string(content) != row.content || info.Mode() != row.mode {
			t.Errorf("%s: %q, %v, %v", row.name, content, info.Mode(), err)
		}
	}
}

func TestAWriteThatIsCutOffIsNotTakenForComplete(t *testing.T) {
	agent := agenttest.Start(t)
	stream := agent.Stream(object{"op": "writeFile", "path": filepath.Join(t.TempDir(), "file")})
	stream.Expect(protocol.Started)
	stream.Send(protocol.Data, []byte("half"))
	stream.Send(protocol.Signal, []byte("{}"))
	if got := stream.Finish(); got.Exit != "" || !strings.Contains(got.Error, `"bad-request"`) {
		t.Fatalf("%+v", got)
	}
}

func TestPlainOperations(t *testing.T) {
	agent := agenttest.Start(t)
	dir := t.TempDir()
	must(t, os.WriteFile(dir+"/file", []byte("12345"), 0o640))
	must(t, os.Chtimes(dir+"/file", instant, instant))
	must(t, os.WriteFile(dir+"/bad\xffname", nil, 0o644))
	for _, row := range []struct {
		operation, body string
		status          int
		want            string
	}{
		{"stat", `{"path":"$/file"}`, 200, fmt.Sprintf(`"type":"file","size":5,"mode":416,"uid":%d,"gid":%d,"mtimeMs":1614834367123,"nlink":1,"ino":`, os.Getuid(), os.Getgid())},
		{"mkdir", `{"path":"$/a/b/c","recursive":true,"mode":448}`, 200, "{}"},
		{"stat", `{"path":"$/a/b/c"}`, 200, `"type":"dir"`},
		{"stat", `{"path":"$/a/b/c"}`, 200, `"mode":448`},
		{"mkdir", `{"path":"$/a/b/c","recursive":true}`, 200, "{}"},
		{"mkdir", `{"path":"$/a"}`, 409, `"EEXIST"`},
		{"mkdir", `{"path":"$/file","recursive":true}`, 400, `"ENOTDIR"`},
		{"symlink", `{"path":"$/link","target":"file"}`, 200, "{}"},
		{"symlink", `{"path":"$/link","target":"a"}`, 409, `"EEXIST"`},
		{"symlink", `{"path":"$/link","target":"nowhere","force":true}`, 200, "{}"},
		{"readlink", `{"path":"$/link"}`, 200, `"target":"nowhere"`},
		{"stat", `{"path":"$/link"}`, 404, `"ENOENT"`},
		{"stat", `{"path":"$/link","follow":false}`, 200, `"type":"symlink"`},
		{"readdir", `{"path":"$"}`, 200, `{"entries":[{"name":"a","type":"dir"},{"nameBase64":"YmFk/25hbWU=","type":"file"},{"name":"file","type":"file"},{"name":"link","type":"symlink"}]}`},
		{"rename", `{"from":"$/file","to":"$/moved"}`, 200, "{}"},
		{"rename", `{"from":"$/file","to":"$/x"}`, 404, `"ENOENT"`},
		{"rm", `{"path":"$/file"}`, 404, `"ENOENT"`},
		{"rm", `{"path":"$/file","force":true}`, 200, "{}"},
		{"rm", `{"path":"$/a"}`, 409, `"ENOTEMPTY"`},
		{"rm", `{"path":"$/a","recursive":true}`, 200, "{}"},
		{"rm", `{}`, 400, `"bad-request"`},
		{"stat", `{"path":"$","user":"mallory"}`, 403, `"bad-user"`},
		{"stat", `not json`, 400, `"bad-request"`},
	} {
		status, body := agent.Request("POST", "/v1/fs/"+row.operation, strings.ReplaceAll(row.body, "$", dir))
		if status != row.status || !strings.Contains(body, row.want) {
			t.Errorf("%s %s: %d %s", row.operation, row.body, status, body)
		}
	}
}
