package serve_test

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"vzagent/agenttest"
	"vzagent/protocol"
)

type object = map[string]any

func TestHelloIsAnsweredBeforeConfigureAndNothingElseIs(t *testing.T) {
	agent := agenttest.StartUnconfigured(t, nil)
	status, body := agent.Request("GET", "/v1/hello", "")
	if status != 200 || !strings.Contains(body, `"protocol":1,"version":"test"`) || !strings.Contains(body, `"configured":false`) {
		t.Fatalf("%d %s", status, body)
	}
	for _, path := range []string{"GET /v1/ports", "GET /v1/stats", "POST /v1/sync", "POST /v1/fs/stat", "POST /v1/fs/rename"} {
		method, path, _ := strings.Cut(path, " ")
		if status, body := agent.Request(method, path, "{}"); status != 503 || !strings.Contains(body, `"not-configured"`) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if got := agent.Stream(object{"op": "exec", "argv": []string{"true"}}).Finish(); !strings.Contains(got.Error, `"not-configured"`) {
		t.Fatalf("%+v", got)
	}
	if status, _ := agent.Request("GET", "/v1/log", ""); status != 200 {
		t.Fatal(status)
	}
}

func TestConfigureHappensOnce(t *testing.T) {
	agent := agenttest.StartUnconfigured(t, nil)
	if status, body := agent.Request("POST", "/v1/configure", "{}"); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if status, body := agent.Request("POST", "/v1/configure", "{}"); status != 409 || !strings.Contains(body, `"already-configured"`) {
		t.Fatalf("%d %s", status, body)
	}
	if _, body := agent.Request("GET", "/v1/hello", ""); !strings.Contains(body, `"configured":true`) {
		t.Fatal(body)
	}
}

func TestAnotherProtocolIsRefusedNamingBoth(t *testing.T) {
	agent := agenttest.Start(t)
	for _, header := range []string{"Vzshell-Protocol: 7", "X: y"} {
		status, body := agent.Request("GET", "/v1/hello", "", header)
		if status != 426 || !strings.Contains(body, `"code":"protocol"`) || !strings.Contains(body, "speaks 1") {
			t.Errorf("%s: %d %s", header, status, body)
		}
	}
	if _, body := agent.Request("GET", "/v1/hello", "", "Vzshell-Protocol: 7"); !strings.Contains(body, `\"7\"`) {
		t.Error(body)
	}
}

func TestWrongRequestsGetAClearAnswer(t *testing.T) {
	agent := agenttest.Start(t)
	for _, row := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"GET", "/v1/nonsense", "", 404, "ENOENT"},
		{"POST", "/v1/hello", "", 400, "bad-request"},
		{"GET", "/v1/stream", "", 400, "bad-request"},
		{"POST", "/v1/time", `{"unixMs":-5}`, 400, "bad-request"},
		{"POST", "/v1/fs/stat", strings.Repeat("x", 5<<20), 400, "bad-request"},
	} {
		status, body := agent.Request(row.method, row.path, row.body)
		if status != row.status || !strings.Contains(body, `"code":"`+row.code+`"`) {
			t.Errorf("%s %s: %d %s", row.method, row.path, status, body)
		}
	}
	if got := agent.Stream(object{"op": "dance"}).Finish(); !strings.Contains(got.Error, `"dance`) && !strings.Contains(got.Error, `dance`) {
		t.Errorf("%+v", got)
	}
}

func TestTheMachineIsAskedForWhatOnlyItCanDo(t *testing.T) {
	agent := agenttest.Start(t)
	for _, what := range []string{"time", "sync", "shutdown"} {
		if status, body := agent.Request("POST", "/v1/"+what, `{"unixMs":1763737200000}`); status != 200 {
			t.Errorf("%s: %d %s", what, status, body)
		}
		if asked := agent.Asked(); asked != what {
			t.Errorf("the machine was asked for %s, not %s", asked, what)
		}
	}
}

// The answer to the host would die with the machine.
func TestTheMachineEndsWhenTheHostHasTheAnswer(t *testing.T) {
	agent := agenttest.Start(t)
	status, body, conn := agent.RequestAndHold("POST", "/v1/shutdown", "")
	if status != 200 || body != "{}" {
		t.Errorf("%d %s", status, body)
	}
	// What comes now comes before the shutdown, unless that did not wait.
	agent.Request("POST", "/v1/sync", "")
	if asked := agent.Asked(); asked != "sync" {
		t.Errorf("the machine was asked for %s while the host had not hung up", asked)
	}
	conn.Close()
	if asked := agent.Asked(); asked != "shutdown" {
		t.Errorf("the machine was asked for %s", asked)
	}
}

func TestStreamsAreCountedInEvents(t *testing.T) {
	agent := agenttest.Start(t)
	first := agent.Stream(object{"op": "exec", "argv": []string{"cat"}, "cwd": "/"})
	if line := agent.Event(); line != "{\"event\":\"streams\",\"active\":1,\"opened\":1}\n" {
		t.Fatal(line)
	}
	second := agent.Stream(object{"op": "exec", "argv": []string{"cat"}, "cwd": "/"})
	second.Expect(protocol.Started)
	if _, body := agent.Request("GET", "/v1/stats", ""); !strings.Contains(body, `"streams":2`) {
		t.Fatal(body)
	}
	second.Send(protocol.EOF, nil)
	second.Finish()
	first.Send(protocol.EOF, nil)
	first.Finish()
	if line := agent.Event(); line != "{\"event\":\"streams\",\"active\":0,\"opened\":2}\n" {
		t.Fatal(line)
	}
}

func TestWhoListensIsFound(t *testing.T) {
	agent := agenttest.Start(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	want := fmt.Sprintf(`{"port":%d,"address":"127.0.0.1","protocol":"tcp"}`, listener.Addr().(*net.TCPAddr).Port)
	if _, body := agent.Request("GET", "/v1/ports", ""); !strings.Contains(body, want) {
		t.Fatalf("%s is not in %s", want, body)
	}
}

func TestAnotherPortOrWordIsClosedWithoutAnAnswer(t *testing.T) {
	agent := agenttest.Start(t)
	for _, greeting := range []string{"CONNECT 22\n", "HELLO\n", strings.Repeat("x", 5000)} {
		conn, err := net.Dial("unix", agent.Socket)
		if err != nil {
			t.Fatal(err)
		}
		conn.Write([]byte(greeting))
		if n, err := conn.Read(make([]byte, 10)); n != 0 || err == nil {
			t.Errorf("%.20q was answered with %d bytes", greeting, n)
		}
		conn.Close()
	}
}
