package execute_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vzagent/agenttest"
	"vzagent/protocol"
)

// pids waits until the script has written pids into file (a fifo), and returns them.
func pids(t *testing.T, fifo string, count int) (list []int) {
	t.Helper()
	file, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	file.SetReadDeadline(time.Now().Add(agenttest.Patience))
	var text string
	buffer := make([]byte, 100)
	for strings.Count(text, "\n") < count {
		n, err := file.Read(buffer)
		if err != nil {
			t.Fatalf("waited for %d pids, got %q: %v", count, text, err)
		}
		text += string(buffer[:n])
	}
	for _, line := range strings.Fields(text) {
		pid, err := strconv.Atoi(line)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, pid)
	}
	return list
}

func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pids")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// watch opens a process so that its end can be waited for without asking again and again.
func watch(t *testing.T, pid int) int {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatalf("process %d: %v", pid, err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

func expectEnd(t *testing.T, pidfd int, what string) {
	t.Helper()
	ready := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(ready, int(agenttest.Patience.Milliseconds()))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if n != 1 {
			t.Fatalf("%s did not end: %v", what, err)
		}
		return
	}
}

func TestATimeoutEndsTheWholeGroup(t *testing.T) {
	names := fifo(t)
	stream := agenttest.Start(t).Stream(with(sh(`sleep 600 & echo $! > "$1"; echo $$ > "$1"; wait`, names), object{"timeoutMs": 700}))
	group := pids(t, names, 2)
	child, leader := watch(t, group[0]), watch(t, group[1])
	got := stream.Finish()
	if got.Exit != `{"code":null,"signal":"SIGTERM","timedOut":true}` {
		t.Fatalf("%+v", got)
	}
	expectEnd(t, leader, "the leader")
	expectEnd(t, child, "the background child")
}

func TestATimeoutUsesTheKillSignalAskedFor(t *testing.T) {
	start := with(sh(`trap 'exit 7' USR1; while :; do sleep 600 & wait; done`), object{"timeoutMs": 500, "killSignal": "SIGUSR1"})
	got := agenttest.Start(t).Stream(start).Finish()
	if got.Exit != `{"code":7,"signal":null,"timedOut":true}` {
		t.Fatalf("%+v", got)
	}
}

func TestWhoIgnoresTheSignalIsKilled(t *testing.T) {
	start := with(sh(`trap '' TERM; while :; do sleep 600; done`), object{"timeoutMs": 200})
	got := agenttest.Start(t).Stream(start).Finish()
	if got.Exit != `{"code":null,"signal":"SIGKILL","timedOut":true}` {
		t.Fatalf("%+v", got)
	}
}

func TestAClientThatVanishesTakesTheGroupWithIt(t *testing.T) {
	for _, row := range []struct {
		name   string
		script string
	}{
		{"quiet", `sleep 600 & echo $! > "$1"; echo $$ > "$1"; wait`},
		{"writing", `sleep 600 & echo $! > "$1"; echo $$ > "$1"; while :; do echo noise; done`},
		{"stopped", `sleep 600 & echo $! > "$1"; echo $$ > "$1"; kill -STOP $$`},
	} {
		names := fifo(t)
		stream := agenttest.Start(t).Stream(sh(row.script, names))
		group := pids(t, names, 2)
		child, leader := watch(t, group[0]), watch(t, group[1])
		stream.Conn.Close()
		expectEnd(t, leader, row.name+": the leader")
		expectEnd(t, child, row.name+": the background child")
	}
}

func TestAClientThatVanishesWhileItsInputIsStuckIsNoticed(t *testing.T) {
	names := fifo(t)
	stream := agenttest.Start(t).Stream(sh(`echo $$ > "$1"; exec sleep 600`, names))
	leader := watch(t, pids(t, names, 1)[0])
	// More than pipe, queue and socket hold: the agent does not read from us any more when this blocks.
	stream.Conn.SetWriteDeadline(time.Now().Add(2 * time.Second))
	frame := protocol.EncodeFrame(protocol.Data, make([]byte, protocol.MaxSend))
	for {
		if _, err := stream.Conn.Write(frame); err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
			break
		}
	}
	stream.Conn.Close()
	expectEnd(t, leader, "the program")
}

// stuck starts a program whose input is full: frames to it do not arrive any more.
func stuck(t *testing.T, agent *agenttest.Agent, start object) (stream *agenttest.Stream, pid int) {
	t.Helper()
	stream = agent.Stream(start)
	var started struct{ Pid int }
	if err := json.Unmarshal(stream.Expect(protocol.Started), &started); err != nil {
		t.Fatal(err)
	}
	stream.ExpectText("ready")
	stream.Conn.SetWriteDeadline(time.Now().Add(2 * time.Second))
	frame := protocol.EncodeFrame(protocol.Data, make([]byte, protocol.MaxSend))
	for {
		if _, err := stream.Conn.Write(frame); err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
			return stream, started.Pid
		}
	}
}

func TestASignalByPidOvertakesInputThatNobodyReads(t *testing.T) {
	agent := agenttest.Start(t)
	stream, pid := stuck(t, agent, sh(`printf ready; exec sleep 600`))
	if status, body := agent.Request("POST", "/v1/signal", fmt.Sprintf(`{"pid":%d,"signal":"SIGUSR1"}`, pid)); status != 200 || body != "{}" {
		t.Fatalf("%d %s", status, body)
	}
	if got := stream.Finish(); got.Exit != `{"code":null,"signal":"SIGUSR1","timedOut":false}` {
		t.Fatalf("%+v", got)
	}
}

func TestAResizeByPidOvertakesInputThatNobodyReads(t *testing.T) {
	agent := agenttest.Start(t)
	script := `stty raw -echo; trap 'stty size; exit 5' WINCH; printf ready; while :; do sleep 600 & wait; done`
	stream, pid := stuck(t, agent, terminal(script))
	if status, body := agent.Request("POST", "/v1/resize", fmt.Sprintf(`{"pid":%d,"cols":132,"rows":50}`, pid)); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if got := stream.Finish(); !strings.Contains(got.Stdout, "50 132") || !strings.Contains(got.Exit, `"code":5`) {
		t.Fatalf("%+v", got)
	}
}

func TestOnlyProgramsOfStreamsAreSignalledByPid(t *testing.T) {
	agent := agenttest.Start(t)
	got := agent.Stream(sh(`echo $$`)).Finish()
	for _, row := range []struct {
		path, body string
		status     int
		code       string
	}{
		{"/v1/signal", `{"pid":` + strings.TrimSpace(got.Stdout) + `,"signal":"SIGTERM"}`, 404, "ESRCH"},
		{"/v1/signal", fmt.Sprintf(`{"pid":%d,"signal":"SIGTERM"}`, os.Getppid()), 404, "ESRCH"},
		{"/v1/signal", `{"pid":1,"signal":"SIGNOPE"}`, 400, "bad-request"},
		{"/v1/signal", `{"pid":0,"signal":"SIGTERM"}`, 404, "ESRCH"},
		{"/v1/resize", `{"pid":1,"cols":80,"rows":24}`, 404, "ESRCH"},
	} {
		if status, body := agent.Request("POST", row.path, row.body); status != row.status || !strings.Contains(body, row.code) {
			t.Errorf("%s %s: %d %s", row.path, row.body, status, body)
		}
	}
}

func TestAStuckClientStallsOnlyItself(t *testing.T) {
	agent := agenttest.Start(t)
	names := fifo(t)
	stuck := agent.Stream(sh(`echo $$ > "$1"; exec cat /dev/zero`, names))
	pids(t, names, 1)
	for range 5 {
		if got := agent.Stream(sh("echo hello")).Finish(); got.Stdout != "hello\n" {
			t.Fatalf("%+v", got)
		}
	}
	stuck.Conn.Close()
}

func TestABackgroundChildThatHoldsThePipeDoesNotHoldTheStream(t *testing.T) {
	began := time.Now()
	got := agenttest.Start(t).Stream(sh(`sleep 600 & echo $!`)).Finish()
	child, err := strconv.Atoi(strings.TrimSpace(got.Stdout))
	if err != nil || !strings.Contains(got.Exit, `"code":0`) {
		t.Fatalf("%+v", got)
	}
	defer unix.Kill(child, unix.SIGKILL)
	if took := time.Since(began); took < 500*time.Millisecond || took > 5*time.Second {
		t.Fatalf("the end came after %v", took)
	}
}

func TestOutputWrittenRightAfterTheEndStillArrives(t *testing.T) {
	got := agenttest.Start(t).Stream(sh(`(for i in 1 2 3; do sleep 0.2; echo late >&2; done) & echo early`)).Finish()
	if got.Stdout != "early\n" || got.Stderr != "late\nlate\nlate\n" {
		t.Fatalf("%+v", got)
	}
}

func TestNothingOfAStreamIsLeftOpen(t *testing.T) {
	agent := agenttest.Start(t)
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	agent.Stream(sh("true")).Finish()
	before := count()
	for range 20 {
		agent.Stream(with(sh("echo hello; exit 3"), object{"files": []object{{"fd": 4, "data": "x"}}})).Finish()
		agent.Stream(object{"op": "exec", "argv": []string{"no-such-command"}, "cwd": "/"}).Finish()
	}
	// The agent closes its end when it has read ours: wait for that by its event.
	for deadline := time.Now().Add(agenttest.Patience); count() > before+2; {
		if time.Now().After(deadline) {
			t.Fatalf("%d descriptors before, %d after", before, count())
		}
		agent.Stream(sh("true")).Finish()
	}
}
