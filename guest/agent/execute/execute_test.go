package execute_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vzagent/agenttest"
	"vzagent/protocol"
)

type object = map[string]any

func sh(script string, args ...string) object {
	return object{"op": "exec", "argv": append([]string{"sh", "-c", script, "sh"}, args...), "cwd": "/"}
}

func with(start object, more object) object {
	for key, value := range more {
		start[key] = value
	}
	return start
}

func TestStdoutAndStderrComeApartAndTheExitCodeLast(t *testing.T) {
	got := agenttest.Start(t).Stream(sh("echo out; echo err >&2; exit 42")).Finish()
	if got.Stdout != "out\n" || got.Stderr != "err\n" || got.Exit != `{"code":42,"signal":null,"timedOut":false}` {
		t.Fatalf("%+v", got)
	}
	if !strings.HasPrefix(got.Started, `{"pid":`) {
		t.Fatalf("STARTED said %q", got.Started)
	}
}

func TestASignalThatEndedTheProgramIsNamed(t *testing.T) {
	got := agenttest.Start(t).Stream(sh("kill -TERM $$")).Finish()
	if got.Exit != `{"code":null,"signal":"SIGTERM","timedOut":false}` {
		t.Fatalf("%+v", got)
	}
}

func TestArgumentsArriveAsTheyWereGiven(t *testing.T) {
	args := []string{"a b", "", "q\"'", "ü", "new\nline", strings.Repeat("x", 100_000)}
	got := agenttest.Start(t).Stream(sh(`printf '%s\0' "$@"`, args...)).Finish()
	if got.Stdout != strings.Join(args, "\x00")+"\x00" {
		t.Fatalf("%.200q", got.Stdout)
	}
}

func TestOneMebibyteArrivesWholeInWritesOfAtMost16KiB(t *testing.T) {
	agent := agenttest.Start(t)
	data := make([]byte, 1<<20)
	rand.Read(data)
	file := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	got := agent.Stream(object{"op": "exec", "argv": []string{"dd", "if=" + file, "bs=1M", "count=1", "status=none"}, "cwd": "/"}).Finish()
	if got.Stdout != string(data) {
		t.Fatalf("%d bytes came, want %d; %s", len(got.Stdout), len(data), got.Stderr)
	}
	if largest := agent.LargestWrite(); largest > protocol.MaxWrite || largest < 4096 {
		t.Fatalf("the largest write was of %d bytes", largest)
	}
}

func TestInputReachesTheProgramUpToItsEnd(t *testing.T) {
	data := make([]byte, 3<<20)
	rand.Read(data)
	stream := agenttest.Start(t).Stream(object{"op": "exec", "argv": []string{"cat"}, "cwd": "/"})
	stream.SendAll(data)
	if got := stream.Finish(); got.Stdout != string(data) {
		t.Fatalf("%d bytes came back, want %d", len(got.Stdout), len(data))
	}
}

func TestWithoutStdinTheProgramReadsNothing(t *testing.T) {
	if got := agenttest.Start(t).Stream(with(sh("cat; echo end"), object{"stdin": false})).Finish(); got.Stdout != "end\n" {
		t.Fatalf("%+v", got)
	}
}

func TestASignalFrameReachesTheGroup(t *testing.T) {
	names := fifo(t)
	stream := agenttest.Start(t).Stream(sh(`sleep 600 & echo $! > "$1"; echo ready; exec sleep 600`, names))
	child := watch(t, pids(t, names, 1)[0])
	stream.Expect(protocol.Started)
	stream.ExpectText("ready\n")
	stream.Send(protocol.Signal, []byte(`{"signal":"SIGTERM"}`))
	if got := stream.Finish(); !strings.Contains(got.Exit, `"signal":"SIGTERM"`) {
		t.Fatalf("%+v", got)
	}
	expectEnd(t, child, "the background child")
}

func TestEnvironment(t *testing.T) {
	agent := agenttest.Start(t)
	value := "given"
	for _, row := range []struct {
		name  string
		start object
		want  string
	}{
		{"base", sh(`echo "$FROM_CONFIGURE $LANG"`), "yes C.UTF-8\n"},
		{"given over base", with(sh(`echo "$LANG"`), object{"env": object{"LANG": value}}), "given\n"},
		{"null unsets", with(sh(`echo "${LANG-unset}"`), object{"env": object{"LANG": nil}}), "unset\n"},
		{"clear", with(object{"op": "exec", "cwd": "/", "argv": []string{"/usr/bin/env"}}, object{"clearEnv": true, "env": object{"A": "b"}}), "A=b\n"},
		{"no TERM without a terminal", sh(`echo "${TERM-unset}"`), "unset\n"},
	} {
		if got := agent.Stream(row.start).Finish(); got.Stdout != row.want {
			t.Errorf("%s: %q, want %q (%+v)", row.name, got.Stdout, row.want, got)
		}
	}
}

func TestGivenFilesAreOpenDescriptorsThatCanBeOpenedAgain(t *testing.T) {
	start := with(sh("cat /dev/fd/5; cat <&5"), object{"files": []object{{"fd": 5, "data": "secret\n"}}})
	if got := agenttest.Start(t).Stream(start).Finish(); got.Stdout != "secret\nsecret\n" {
		t.Fatalf("%+v", got)
	}
}

func TestTheTemporaryDirectoryIsPrivateAndGoneAfterwards(t *testing.T) {
	start := with(sh(`test "$A" = "$B"; echo x > "$A/file"; stat -c %a "$A"; echo "$A"`), object{"tempDir": []string{"A", "B"}})
	got := agenttest.Start(t).Stream(start).Finish()
	mode, dir, _ := strings.Cut(strings.TrimSpace(got.Stdout), "\n")
	if mode != "700" || !filepath.IsAbs(dir) {
		t.Fatalf("%+v", got)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Fatalf("%s is still there: %v", dir, err)
	}
}

func TestWhatIsRequiredMustExistBeforeAnythingRuns(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	got := agenttest.Start(t).Stream(with(sh("touch "+mark), object{"requires": []string{"/", "/no/such"}})).Finish()
	if !strings.Contains(got.Error, `"code":"required-missing"`) || !strings.Contains(got.Error, "/no/such") {
		t.Fatalf("%+v", got)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Fatal("the program ran")
	}
}
