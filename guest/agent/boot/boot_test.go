package boot

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"vzagent/dhcp"
)

func TestSmallDriftIsLeftAlone(t *testing.T) {
	now := time.UnixMilli(1_763_737_200_000)
	for _, row := range []struct {
		host    int64
		drift   int64
		tooMuch bool
	}{
		{now.UnixMilli(), 0, false}, {now.UnixMilli() - 100, 100, false}, {now.UnixMilli() + 100, -100, false},
		{now.UnixMilli() - 101, 101, true}, {now.UnixMilli() + 101, -101, true}, {now.UnixMilli() + 3_600_000, -3_600_000, true},
	} {
		if drift, tooMuch := drift(now, row.host); drift != row.drift || tooMuch != row.tooMuch {
			t.Errorf("host at %d: %d %v", row.host, drift, tooMuch)
		}
	}
}

func TestWhatOthersMountedGoesFirst(t *testing.T) {
	const table = `22 1 0:20 / / rw - overlay overlay rw
23 22 0:21 / /nix/store rw - overlay overlay rw
24 22 0:22 / /home/alice/my\040proj rw - virtiofs s0 rw
25 24 0:23 / /home/alice/my\040proj/a rw - tmpfs tmpfs rw
26 25 0:24 /tmp /mnt/x rw - ext4 /dev/vdb rw
27 22 0:25 / /nix/store rw - tmpfs tmpfs rw
`
	points := mountPoints(table)
	if !slices.Contains(points, "/home/alice/my proj") {
		t.Fatalf("%q", points)
	}
	want := []string{"/nix/store", "/mnt/x", "/home/alice/my proj/a"}
	if got := foreign(points, []string{"/"}, []string{"/nix/store", "/home/alice/my proj"}); !slices.Equal(got, want) {
		t.Fatalf("%q", got)
	}
}

func TestModulesAreLoadedWhenTheyAreNeeded(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(dir+"/modules", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"01-virtio_pci.ko.xz", "02-vsock.ko.xz", "03-vmw_vsock_virtio_transport.ko", "04-erofs.ko", "04-virtio_blk.ko.xz",
		"05-net_failover.ko", "06-virtio_net.ko", "07-virtio-rng.ko.xz", "order"} {
		if err := os.WriteFile(filepath.Join(dir, "modules", name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := FindModules(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		purpose   string
		got, want []string
	}{
		{"first", got.bus, []string{"01-virtio_pci.ko.xz"}},
		{"for vsock", got.vsock, []string{"02-vsock.ko.xz", "03-vmw_vsock_virtio_transport.ko"}},
		{"for the root", got.root, []string{"04-erofs.ko", "04-virtio_blk.ko.xz"}},
		{"for the network", got.network, []string{"05-net_failover.ko", "06-virtio_net.ko"}},
		{"late", got.late, []string{"07-virtio-rng.ko.xz"}},
	} {
		if !slices.Equal(row.got, row.want) {
			t.Errorf("%s %q", row.purpose, row.got)
		}
	}
	got.Discard()
	if left, _ := filepath.Glob(dir + "/modules/*.ko*"); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
	if moduleFlags("02-vsock.ko.xz") != 4 || moduleFlags("04-erofs.ko") != 0 {
		t.Error("the kernel unpacks what is compressed, and only that")
	}
	if none, err := FindModules(t.TempDir()); err != nil || none.vsock != nil {
		t.Errorf("a kernel that has everything built in: %v, %v", none, err)
	}
}

func TestResolvConf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resolv.conf")
	lease := dhcp.Lease{DNS: []netip.Addr{netip.MustParseAddr("10.0.2.3"), netip.MustParseAddr("1.1.1.1")}, Domain: "lan"}
	if err := writeResolvConf(path, lease); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); string(text) != "nameserver 10.0.2.3\nnameserver 1.1.1.1\nsearch lan\n" {
		t.Fatalf("%q, %v", text, err)
	}
}
