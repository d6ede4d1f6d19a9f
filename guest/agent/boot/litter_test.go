package boot

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
)

func tree(t *testing.T, dir string, files int) {
	t.Helper()
	for i := range files {
		below := filepath.Join(dir, fmt.Sprint("nix-build-", i%3), "deep")
		if err := os.MkdirAll(below, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(below, fmt.Sprint(i)), nil, 0o444); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
}

func TestOldBuildsAreMovedAsideAndDeletedLater(t *testing.T) {
	volume := t.TempDir()
	builds, litter := filepath.Join(volume, "tmp"), filepath.Join(volume, "litter")
	if err := setAside(builds, litter); err != nil {
		t.Fatal(err) // the first boot: there are none
	}
	for range 2 {
		tree(t, builds, 700)
		if err := setAside(builds, litter); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat(builds); !os.IsNotExist(err) {
			t.Fatalf("%v", err)
		}
	}
	if kept, err := os.ReadDir(litter); err != nil || len(kept) != 2 {
		t.Fatalf("%v, %v", kept, err)
	}
	if err := removeUntil(new(atomic.Bool), litter); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(litter); !os.IsNotExist(err) {
		t.Fatalf("%v", err)
	}
	if _, err := os.Stat("/etc/passwd"); err != nil {
		t.Fatal("a link was followed")
	}
}

func TestADeletionThatIsStoppedLeavesTheRestForTheNextBoot(t *testing.T) {
	litter := filepath.Join(t.TempDir(), "litter")
	tree(t, litter, 5)
	var stop atomic.Bool
	stop.Store(true)
	if err := removeUntil(&stop, litter); err != errStopped {
		t.Fatalf("%v", err)
	}
	if _, err := os.Lstat(filepath.Join(litter, "nix-build-0")); err != nil {
		t.Fatal(err)
	}
}
