package serve

import (
	"net"
	"slices"
	"testing"

	"github.com/mdlayher/vsock"
)

func TestOnlyTheHostIsAPeer(t *testing.T) {
	for _, row := range []struct {
		peer net.Addr
		want bool
	}{
		{&vsock.Addr{ContextID: 2, Port: 7}, true},
		{&vsock.Addr{ContextID: 1, Port: 7}, false},
		{&vsock.Addr{ContextID: 3, Port: 1024}, false},
		{&vsock.Addr{ContextID: 0xffffffff}, false},
		{&net.UnixAddr{Name: "/x"}, false},
	} {
		if got := fromHost(row.peer); got != row.want {
			t.Errorf("%v: %v", row.peer, got)
		}
	}
}

func TestListeningSocketsAreReadFromTheKernelsTable(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000000000000000 100 0 0 10 0
   1: 0F02000A:C350 0202000A:01BB 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0000000000000000 100 0 0 10 0
   2: 00000000:0016 00000000:0000 0A broken
   3: nonsense 00000000:0000 0A
   4: 00000000000000000000000001000000:0BB8 00000000000000000000000000000000:0000 0A 00000000:00000000
   5: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000
`
	want := []port{{8080, "127.0.0.1", "tcp"}, {22, "0.0.0.0", "tcp"}, {3000, "::1", "tcp"}, {80, "::", "tcp"}}
	if got := listening(table); !slices.Equal(got, want) {
		t.Fatalf("%+v", got)
	}
}

func TestMeminfoIsInBytes(t *testing.T) {
	got := parseMeminfo("MemTotal:        1024 kB\nMemFree: 1 kB\nMemAvailable:     512 kB\nbroken\n")
	if got.TotalBytes != 1<<20 || got.AvailableBytes != 512<<10 {
		t.Fatalf("%+v", got)
	}
}
