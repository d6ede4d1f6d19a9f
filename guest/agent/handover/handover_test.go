package handover

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTheLastProcessOneUnmountsTheDeepestFirstAndNothingOfItsOwn(t *testing.T) {
	const table = `22 1 0:20 / / rw - tmpfs tmpfs rw
23 22 0:21 / /oldroot rw - overlay overlay rw
24 23 0:22 / /oldroot/nix/.l/vol rw - ext4 /dev/vdb rw
25 23 0:23 / /oldroot/nix/store rw - overlay overlay rw
26 23 0:24 / /oldroot/home/alice/my\040proj rw - virtiofs s0 rw
27 22 0:25 / /oldrooted rw - tmpfs tmpfs rw
28 22 0:26 / /proc rw - proc proc rw
`
	want := []mount{{"/oldroot/home/alice/my proj", "virtiofs"}, {"/oldroot/nix/store", "overlay"}, {"/oldroot/nix/.l/vol", "ext4"}}
	if got := below(table, "/oldroot"); !slices.Equal(got, want) {
		t.Fatalf("%q", got)
	}
}

func TestTheControlGroupIsThatOfTheUnifiedHierarchy(t *testing.T) {
	for _, row := range []struct{ text, want, fails string }{
		{"0::/system.slice/vzagent.service\n", "/system.slice/vzagent.service", ""},
		{"1:name=systemd:/x\n0::/init.scope\n", "/init.scope", ""},
		{"4:memory:/x\n", "", "in no control group"},
	} {
		path := filepath.Join(t.TempDir(), "cgroup")
		if err := os.WriteFile(path, []byte(row.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := controlGroup(path)
		if got != row.want || (err == nil) != (row.fails == "") || err != nil && !strings.Contains(err.Error(), row.fails) {
			t.Errorf("%q: %q, %v", row.text, got, err)
		}
	}
}

func TestAPidFileThatNamesProcessOneOrNothingIsRefused(t *testing.T) {
	for text, want := range map[string]int{"77\n": 77, "1\n": 0, "-4\n": 0, "": 0, "seven": 0} {
		path := filepath.Join(t.TempDir(), "pid")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := agentPid(path); got != want || (err == nil) != (want != 0) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}

func TestProcessOneGetsTheRootOrLearnsThatTheAgentIsGone(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if err := unix.Sendmsg(pair[1], []byte{0}, unix.UnixRights(int(dir.Fd())), nil, 0); err != nil {
		t.Fatal(err)
	}
	got, err := receive(pair[0])
	if err != nil {
		t.Fatal(err)
	}
	var sent, received unix.Stat_t
	if unix.Fstat(int(dir.Fd()), &sent) != nil || unix.Fstat(got, &received) != nil || sent.Ino != received.Ino {
		t.Errorf("another directory: %d, %d", sent.Ino, received.Ino)
	}
	unix.Close(got)
	unix.Close(pair[1])
	if _, err := receive(pair[0]); err == nil || !strings.Contains(err.Error(), "the agent ended") {
		t.Error(err)
	}
}

func TestOnlyTheNameMakesTheLastProcessOne(t *testing.T) {
	if !IsLast([]string{"/shutdown", "poweroff"}) || IsLast([]string{"/init"}) || IsLast(nil) {
		t.Error("the wrong program ends the machine")
	}
}
