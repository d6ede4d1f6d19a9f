package files_test

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vzagent/agenttest"
	"vzagent/protocol"
)

type object = map[string]any

// instant has nanoseconds that no float keeps.
var instant = time.Date(2021, 3, 4, 5, 6, 7, 123456789, time.UTC)

func put(t *testing.T, agent *agenttest.Agent, dir string, archive []byte) agenttest.Outcome {
	t.Helper()
	stream := agent.Stream(object{"op": "put", "path": dir})
	stream.SendAll(archive)
	return stream.Finish()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tree makes one of everything that can be copied.
func tree(t *testing.T) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "tree")
	must(t, os.MkdirAll(root+"/sub/empty", 0o755))
	must(t, os.WriteFile(root+"/run me", []byte("#!/bin/sh\n"), 0o755))
	must(t, os.WriteFile(root+"/sub/ünïcode\nname", bytes.Repeat([]byte("data"), 10_000), 0o600))
	must(t, os.WriteFile(root+"/empty", nil, 0o644))
	must(t, os.Symlink("sub/nowhere", root+"/dangling"))
	must(t, os.Link(root+"/run me", root+"/sub/same"))
	must(t, os.WriteFile(root+"/"+strings.Repeat("long", 50), []byte("x"), 0o644))
	must(t, os.Chmod(root+"/sub/empty", 0o555))
	must(t, unix.Mkfifo(root+"/fifo", 0o600))
	must(t, filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		at := unix.NsecToTimespec(instant.UnixNano())
		if err == nil {
			err = unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{at, at}, unix.AT_SYMLINK_NOFOLLOW)
		}
		return err
	}))
	return root
}

func TestATreeComesBackAsItWent(t *testing.T) {
	agent := agenttest.Start(t)
	source := tree(t)
	got := agent.Stream(object{"op": "get", "path": source}).Finish()
	if got.Started != `{"type":"dir"}` || !got.EOF || got.Exit != `{"entries":9}` {
		t.Fatalf("%q %v %q %q", got.Started, got.EOF, got.Exit, got.Error)
	}
	first, err := tar.NewReader(strings.NewReader(got.Stdout)).Next()
	if err != nil || first.Name != "tree/" {
		t.Fatalf("the first entry is %+v, %v", first, err)
	}
	target := t.TempDir()
	back := put(t, agent, target, []byte(got.Stdout))
	if back.Exit != `{"entries":9}` {
		t.Fatalf("%+v", back)
	}
	t.Cleanup(func() { os.Chmod(target+"/tree/sub/empty", 0o755) })
	seen := 0
	must(t, filepath.WalkDir(source, func(path string, _ os.DirEntry, err error) error {
		must(t, err)
		copied := filepath.Join(target, "tree", strings.TrimPrefix(path, source))
		if filepath.Base(path) == "fifo" {
			if _, err := os.Lstat(copied); err == nil {
				t.Error("a fifo was sent")
			}
			return nil
		}
		seen++
		var a, b unix.Stat_t
		must(t, unix.Lstat(path, &a))
		must(t, unix.Lstat(copied, &b))
		if a.Mode != b.Mode || a.Mtim != b.Mtim || a.Nlink != b.Nlink || a.Uid != b.Uid || a.Gid != b.Gid {
			t.Errorf("%q: %+v became %+v", path, a, b)
		}
		if a.Mode&unix.S_IFMT == unix.S_IFREG {
			x, err := os.ReadFile(path)
			must(t, err)
			if y, err := os.ReadFile(copied); err != nil || !bytes.Equal(x, y) {
				t.Errorf("%q: the content differs, %v", path, err)
			}
		}
		return nil
	}))
	if seen != 9 {
		t.Fatalf("compared %d entries", seen)
	}
	if link, err := os.Readlink(target + "/tree/dangling"); link != "sub/nowhere" {
		t.Fatalf("%q, %v", link, err)
	}
}

func archive(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var buffer bytes.Buffer
	writer := tar.NewWriter(&buffer)
	for _, header := range headers {
		header.Uid, header.Gid = os.Getuid(), os.Getgid()
		if header.Typeflag == tar.TypeReg {
			header.Size = 5
		}
		must(t, writer.WriteHeader(&header))
		if header.Typeflag == tar.TypeReg {
			writer.Write([]byte("owned"))
		}
	}
	must(t, writer.Close())
	return buffer.Bytes()
}

func TestAHostileArchiveDoesNotLeaveTheDirectory(t *testing.T) {
	agent := agenttest.Start(t)
	for _, row := range []struct {
		name    string
		headers func(outside string) []tar.Header
	}{
		{"absolute", func(out string) []tar.Header {
			return []tar.Header{{Typeflag: tar.TypeReg, Name: out + "/x", Mode: 0o644}}
		}},
		{"parent", func(string) []tar.Header {
			return []tar.Header{{Typeflag: tar.TypeReg, Name: "a/../../outside/x", Mode: 0o644}}
		}},
		{"through a link of the archive", func(out string) []tar.Header {
			return []tar.Header{{Typeflag: tar.TypeSymlink, Name: "door", Linkname: out}, {Typeflag: tar.TypeReg, Name: "door/x", Mode: 0o644}}
		}},
		{"through a relative link", func(string) []tar.Header {
			return []tar.Header{{Typeflag: tar.TypeSymlink, Name: "door", Linkname: "../outside"}, {Typeflag: tar.TypeReg, Name: "door/x", Mode: 0o644}}
		}},
		{"through a link that was there", func(string) []tar.Header {
			return []tar.Header{{Typeflag: tar.TypeReg, Name: "trap/x", Mode: 0o644}}
		}},
		{"directory through a link", func(string) []tar.Header {
			return []tar.Header{{Typeflag: tar.TypeDir, Name: "trap/x/", Mode: 0o755}}
		}},
		{"hard link to the outside", func(out string) []tar.Header {
			return []tar.Header{{Typeflag: tar.TypeLink, Name: "x", Linkname: out + "/kept"}}
		}},
		{"hard link through a link", func(string) []tar.Header {
			return []tar.Header{{Typeflag: tar.TypeLink, Name: "x", Linkname: "trap/kept"}}
		}},
		{"a device", func(string) []tar.Header {
			return []tar.Header{{Typeflag: tar.TypeChar, Name: "x", Devmajor: 1, Devminor: 3}}
		}},
	} {
		base := t.TempDir()
		outside, target := base+"/outside", base+"/target"
		must(t, os.Mkdir(outside, 0o755))
		must(t, os.Mkdir(target, 0o755))
		must(t, os.WriteFile(outside+"/kept", []byte("kept"), 0o644))
		must(t, os.Symlink("../outside", target+"/trap"))
		got := put(t, agent, target, archive(t, row.headers(outside)...))
		if got.Error == "" {
			t.Errorf("%s: was extracted: %+v", row.name, got)
		}
		entries, err := os.ReadDir(outside)
		must(t, err)
		if len(entries) != 1 {
			t.Errorf("%s: something was made outside: %v", row.name, entries)
		}
		if content, err := os.ReadFile(outside + "/kept"); err != nil || string(content) != "kept" {
			t.Errorf("%s: %q, %v", row.name, content, err)
		}
		if _, err := os.Lstat(target + "/x"); err == nil {
			t.Errorf("%s: x was made", row.name)
		}
	}
}

func TestAFileThatHasOtherNamesIsReplacedNotWrittenInto(t *testing.T) {
	agent := agenttest.Start(t)
	dir := t.TempDir()
	must(t, os.WriteFile(dir+"/a", []byte("first"), 0o644))
	must(t, os.Link(dir+"/a", dir+"/b"))
	if got := put(t, agent, dir, archive(t, tar.Header{Typeflag: tar.TypeReg, Name: "a", Mode: 0o600})); got.Error != "" {
		t.Fatalf("%+v", got)
	}
	if other, err := os.ReadFile(dir + "/b"); string(other) != "first" {
		t.Fatalf("%q, %v", other, err)
	}
}

func TestWhatIsNoArchiveIsRefused(t *testing.T) {
	agent := agenttest.Start(t)
	for name, content := range map[string][]byte{
		"noise":     bytes.Repeat([]byte("noise"), 1000),
		"cut short": archive(t, tar.Header{Typeflag: tar.TypeReg, Name: "a", Mode: 0o600})[:514],
	} {
		dir := t.TempDir()
		if got := put(t, agent, dir, content); !strings.Contains(got.Error, `"bad-request"`) {
			t.Errorf("%s: %+v", name, got)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s left %v, %v", name, left, err)
		}
	}
}

func TestAFileThatDidNotComeWholeLeavesTheOldOne(t *testing.T) {
	agent := agenttest.Start(t)
	dir := t.TempDir()
	must(t, os.WriteFile(dir+"/a", []byte("first"), 0o644))
	stream := agent.Stream(object{"op": "put", "path": dir})
	stream.Expect(protocol.Started)
	stream.Send(protocol.Data, archive(t, tar.Header{Typeflag: tar.TypeReg, Name: "a", Mode: 0o600})[:514])
	// Any end but EOF is one in the middle, and this one is answered.
	stream.Send(protocol.Signal, []byte("{}"))
	if got := stream.Finish(); !strings.Contains(got.Error, `"bad-request"`) {
		t.Fatalf("%+v", got)
	}
	entries, err := os.ReadDir(dir)
	must(t, err)
	content, err := os.ReadFile(dir + "/a")
	if len(entries) != 1 || err != nil || string(content) != "first" {
		t.Fatalf("%v, %q, %v", entries, content, err)
	}
}

func TestAFileIsNoReplacementForADirectoryNorForAMissingOne(t *testing.T) {
	agent := agenttest.Start(t)
	dir := t.TempDir()
	must(t, os.Mkdir(dir+"/a", 0o755))
	file := archive(t, tar.Header{Typeflag: tar.TypeReg, Name: "a", Mode: 0o600})
	for target, code := range map[string]string{dir: "EISDIR", dir + "/none": "ENOENT", "/etc/passwd": "ENOTDIR"} {
		if got := put(t, agent, target, file); !strings.Contains(got.Error, `"`+code+`"`) {
			t.Errorf("%s: %+v", target, got)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v", entries, err)
	}
}
