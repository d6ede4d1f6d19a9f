package process

import (
	"strings"
	"testing"
	"time"
)

func TestRunReturnsWhatWasSaidAndHowItEnded(t *testing.T) {
	for _, row := range []struct {
		script string
		accept []int
		said   string
		fails  string
	}{
		{"echo out; echo err >&2", nil, "out\nerr", ""},
		{"echo bad; exit 3", nil, "bad", "exited with 3: bad"},
		{"echo mended; exit 1", []int{1}, "mended", ""},
		{"kill -9 $$", nil, "", "was ended by SIGKILL"},
	} {
		said, err := Run([]string{"/bin/sh", "-c", row.script}, nil, row.accept...)
		if said != row.said || (err == nil) != (row.fails == "") || err != nil && !strings.Contains(err.Error(), row.fails) {
			t.Errorf("%s: %q, %v", row.script, said, err)
		}
	}
	if _, err := Run([]string{"/no/such/program"}, nil); err == nil || !strings.Contains(err.Error(), "/no/such/program") {
		t.Error(err)
	}
}

func TestEveryChildGetsItsOwnStatusThoughTheyEndTogether(t *testing.T) {
	type outcome struct {
		want string
		err  error
	}
	results := make(chan outcome)
	for i := range 40 {
		code := string(rune('0' + i%10))
		go func() {
			_, err := Run([]string{"/bin/sh", "-c", "exit " + code}, nil)
			results <- outcome{code, err}
		}()
	}
	for range 40 {
		got := <-results
		if (got.want == "0") != (got.err == nil) || got.err != nil && !strings.Contains(got.err.Error(), "exited with "+got.want) {
			t.Errorf("exit %s: %v", got.want, got.err)
		}
	}
	if !WaitChildless(10 * time.Second) {
		t.Error("children are left")
	}
}
