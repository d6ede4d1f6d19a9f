package account

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// somebody is neither root nor whoever runs the tests.
var somebody = User{Name: "somebody", UID: 4242, GID: 4343, Groups: []uint32{4343, 4444}, Home: "/"}

// openDir is a directory that everybody may enter and write.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "vzagent-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFilesAreTouchedWithTheUsersRightsOnly(t *testing.T) {
	dir := openDir(t)
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	made := filepath.Join(dir, "made")
	err := somebody.WithFiles(func() error {
		if _, err := os.ReadFile(secret); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("reading another's file: %v", err)
		}
		return os.WriteFile(made, nil, 0o644)
	})
	if os.Geteuid() != 0 {
		if !errors.Is(err, fs.ErrPermission) {
			t.Fatalf("acting as somebody else without being root: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	var stat unix.Stat_t
	if err := unix.Stat(made, &stat); err != nil || stat.Uid != somebody.UID || stat.Gid != somebody.GID {
		t.Fatalf("the file belongs to %d:%d, %v", stat.Uid, stat.Gid, err)
	}
	if _, err := os.ReadFile(secret); err != nil {
		t.Fatalf("the rights of other threads changed too: %v", err)
	}
}

func TestASocketsPeerIsTheUser(t *testing.T) {
	path := filepath.Join(openDir(t), "socket")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	self := User{UID: uint32(os.Getuid()), GID: uint32(os.Getgid())}
	user := &self
	if os.Geteuid() == 0 {
		user = &somebody
	}
	var client net.Conn
	if err := user.WithIdentity(func() (err error) {
		client, err = net.Dial("unix", path)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	raw, err := server.(*net.UnixConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		peer, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		if err != nil || peer.Uid != user.UID {
			t.Errorf("the server sees uid %d, %v; want %d", peer.Uid, err, user.UID)
		}
	})
}
