package execute_test

import (
	"strings"
	"testing"

	"vzagent/agenttest"
	"vzagent/protocol"
)

func terminal(script string, args ...string) object {
	return with(sh(script, args...), object{"pty": object{"cols": 80, "rows": 24, "term": "xterm-256color"}})
}

func TestATerminalIsOneWithItsSizeAndName(t *testing.T) {
	got := agenttest.Start(t).Stream(terminal(`test -t 0 && test -t 1 && test -t 2 && stty size && echo $TERM && echo to-stderr >&2; : > /dev/tty`)).Finish()
	if got.Stdout != "24 80\r\nxterm-256color\r\nto-stderr\r\n" || got.Stderr != "" || !strings.Contains(got.Exit, `"code":0`) {
		t.Fatalf("%+v", got)
	}
}

func TestAResizeReachesTheProgram(t *testing.T) {
	stream := agenttest.Start(t).Stream(terminal(`trap 'stty size; exit 5' WINCH; echo ready; while :; do sleep 600 & wait; done`))
	stream.Expect(protocol.Started)
	stream.ExpectText("ready\r\n")
	stream.Send(protocol.Resize, []byte(`{"cols":132,"rows":50}`))
	if got := stream.Finish(); got.Stdout != "50 132\r\n" || !strings.Contains(got.Exit, `"code":5`) {
		t.Fatalf("%+v", got)
	}
}

func TestControlCIsTypedLikeAnyKey(t *testing.T) {
	stream := agenttest.Start(t).Stream(terminal(`echo ready; exec sleep 600`))
	stream.Expect(protocol.Started)
	stream.ExpectText("ready\r\n")
	stream.Send(protocol.Data, []byte{3})
	if got := stream.Finish(); !strings.Contains(got.Exit, `"signal":"SIGINT"`) {
		t.Fatalf("%+v", got)
	}
}

func TestEndOfInputIsControlDOnATerminal(t *testing.T) {
	stream := agenttest.Start(t).Stream(terminal(`cat; echo end`))
	stream.Expect(protocol.Started)
	stream.Send(protocol.Data, []byte("hello\n"))
	stream.Send(protocol.EOF, nil)
	if got := stream.Finish(); !strings.Contains(got.Stdout, "end\r\n") {
		t.Fatalf("%+v", got)
	}
}

func TestAClosedTerminalHangsUpWhatRunsInIt(t *testing.T) {
	names := fifo(t)
	stream := agenttest.Start(t).Stream(terminal(`echo $$ > "$1"; exec sleep 600`, names))
	leader := watch(t, pids(t, names, 1)[0])
	stream.Conn.Close()
	expectEnd(t, leader, "the program in the terminal")
}
