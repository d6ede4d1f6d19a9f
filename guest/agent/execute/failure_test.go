package execute_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vzagent/agenttest"
	"vzagent/protocol"
)

func write(t *testing.T, path, content string, mode os.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWhyAProgramDidNotStart(t *testing.T) {
	agent := agenttest.Start(t)
	dir := t.TempDir()
	plain := write(t, filepath.Join(dir, "plain"), "echo hello\n", 0o644)
	bare := write(t, filepath.Join(dir, "bare"), "echo no shebang\n", 0o755)
	lost := write(t, filepath.Join(dir, "lost"), "#!/no/such/interpreter\n", 0o755)
	for _, row := range []struct {
		name  string
		start object
		code  string
		quote string
	}{
		{"no such command", object{"argv": []string{"no-such-command"}}, "not-found", "no-such-command"},
		{"no such path", object{"argv": []string{dir + "/nothing"}}, "not-found", "nothing"},
		{"empty name", object{"argv": []string{""}}, "not-found", ""},
		{"not executable", object{"argv": []string{plain}}, "not-executable", "plain"},
		{"no shebang", object{"argv": []string{bare}}, "not-executable", "bare"},
		{"interpreter missing", object{"argv": []string{lost}}, "not-executable", "interpreter"},
		{"a directory", object{"argv": []string{dir}}, "not-executable", dir},
		{"cwd missing", object{"argv": []string{"true"}, "cwd": dir + "/gone"}, "bad-cwd", "gone"},
		{"cwd is a file", object{"argv": []string{"/bin/true"}, "cwd": plain}, "bad-cwd", "plain"},
		{"no such user", object{"argv": []string{"true"}, "user": "mallory"}, "bad-user", "mallory"},
		{"too big", object{"argv": []string{"true", strings.Repeat("x", 200_000)}}, "too-big", "true"},
		{"no argv", object{"argv": []string{}}, "bad-request", "argv"},
		{"NUL", object{"argv": []string{"echo", "a\x00b"}}, "bad-request", "NUL"},
		{"unknown signal", object{"argv": []string{"true"}, "killSignal": "SIGNOPE"}, "bad-request", "SIGNOPE"},
		{"descriptor below 3", object{"argv": []string{"true"}, "files": []object{{"fd": 1, "data": ""}}}, "bad-request", "descriptor 1"},
	} {
		start := with(object{"op": "exec", "cwd": "/"}, row.start)
		got := agent.Stream(start).Finish()
		if got.Started != "" || !strings.Contains(got.Error, `"code":"`+row.code+`"`) || !strings.Contains(got.Error, row.quote) {
			t.Errorf("%s: %+v", row.name, got)
		}
	}
}

func TestPathIsSearchedAsAShellDoes(t *testing.T) {
	agent := agenttest.Start(t)
	dir := t.TempDir()
	write(t, dir+"/first/tool", "#!/bin/sh\necho first\n", 0o644)
	write(t, dir+"/second/tool", "#!/bin/sh\necho second\n", 0o755)
	if err := os.MkdirAll(dir+"/zero/tool", 0o755); err != nil {
		t.Fatal(err)
	}
	path := strings.Join([]string{dir + "/missing", dir + "/zero", dir + "/first", dir + "/second"}, ":")
	got := agent.Stream(object{"op": "exec", "argv": []string{"tool"}, "cwd": "/", "env": object{"PATH": path}}).Finish()
	if got.Stdout != "second\n" {
		t.Fatalf("%+v", got)
	}
	got = agent.Stream(object{"op": "exec", "argv": []string{"tool"}, "cwd": dir, "env": object{"PATH": "second"}}).Finish()
	if got.Stdout != "second\n" {
		t.Fatalf("a relative directory of PATH counts from cwd: %+v", got)
	}
	got = agent.Stream(object{"op": "exec", "argv": []string{"tool"}, "cwd": "/", "env": object{"PATH": dir + "/first"}}).Finish()
	if !strings.Contains(got.Error, `"not-executable"`) {
		t.Fatalf("%+v", got)
	}
}

func TestOneBadStartLeavesTheAgentAtWork(t *testing.T) {
	agent := agenttest.Start(t)
	stream := agent.Stream("this is no object")
	if got := stream.Finish(); !strings.Contains(got.Error, `"bad-request"`) {
		t.Fatalf("%+v", got)
	}
	again := agent.Stream(sh("echo fine"))
	again.Expect(protocol.Started)
	if got := again.Finish(); got.Stdout != "fine\n" {
		t.Fatalf("%+v", got)
	}
}
