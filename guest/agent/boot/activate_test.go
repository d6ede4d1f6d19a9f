package boot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vzagent/journal"
)

func TestAnImageIsActivatedOnceAndWhatFailsStopsTheMachine(t *testing.T) {
	dir := t.TempDir()
	if err := activateBy(filepath.Join(dir, "none")); err != nil {
		t.Errorf("an image without activation: %v", err)
	}
	program := filepath.Join(dir, "activate")
	write := func(script string) {
		if err := os.WriteFile(program, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write("echo run as $VZSHELL_PROFILE in $PWD >>" + dir + "/log; echo activation says this >&2")
	if err := activateBy(program); err != nil {
		t.Fatal(err)
	}
	if log, _ := os.ReadFile(dir + "/log"); string(log) != "run as agent in /\n" {
		t.Errorf("%q", log)
	}
	if !strings.Contains(journal.Text(), "activation says this") {
		t.Error("the log does not have what it said")
	}
	write("echo no space; exit 3")
	if err := activateBy(program); err == nil || !strings.Contains(err.Error(), "exited with 3: no space") {
		t.Errorf("%v", err)
	}
}
