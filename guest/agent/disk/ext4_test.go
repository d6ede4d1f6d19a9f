package disk

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"vzagent/process"
)

const uuid = "0b6b7d3c-5a1e-4c9f-8a77-0123456789ab"

// volume is an image file that the real mke2fs makes.
func volume(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "volume.img")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 64<<20); err != nil {
		t.Fatal(err)
	}
	return path
}

func superblock(t *testing.T, path string) Superblock {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	super, err := ReadSuperblock(file)
	if err != nil {
		t.Fatal(err)
	}
	return super
}

func TestABlankVolumeIsFormattedOnceWithTheUuidAskedFor(t *testing.T) {
	path := volume(t)
	if superblock(t, path).Ext4 {
		t.Fatal("a blank disk passes for ext4")
	}
	if err := Prepare(path, uuid, false); err == nil {
		t.Fatal("a blank disk that must not be formatted was accepted")
	}
	for range 2 {
		if err := Prepare(path, uuid, true); err != nil {
			t.Fatal(err)
		}
		if got := superblock(t, path); !got.Ext4 || got.Errors || got.UUID != uuid {
			t.Fatalf("%+v", got)
		}
	}
}

func TestAnotherVolumeIsRefusedAndLeftAlone(t *testing.T) {
	path := volume(t)
	if err := Prepare(path, uuid, true); err != nil {
		t.Fatal(err)
	}
	if err := Prepare(path, "ffffffff-0000-0000-0000-000000000000", true); err == nil {
		t.Fatal("a volume with another uuid was accepted")
	}
	if got := superblock(t, path); got.UUID != uuid {
		t.Fatalf("%+v", got)
	}
}

func TestAVolumeThatSaysItHasErrorsIsChecked(t *testing.T) {
	path := volume(t)
	if err := Prepare(path, uuid, true); err != nil {
		t.Fatal(err)
	}
	if said, err := process.Run([]string{"/usr/sbin/debugfs", "-w", "-R", "ssv state 2", path}, tools); err != nil {
		t.Fatal(err, said)
	}
	if !superblock(t, path).Errors {
		t.Fatal("the mark of errors is not seen")
	}
	if err := Prepare(path, uuid, false); err != nil {
		t.Fatal(err)
	}
	if superblock(t, path).Errors {
		t.Fatal("e2fsck did not run")
	}
}

func TestADiskTooSmallForASuperblockIsNotExt4(t *testing.T) {
	if got, err := ReadSuperblock(bytes.NewReader(make([]byte, 1500))); err != nil || got.Ext4 {
		t.Fatalf("%+v, %v", got, err)
	}
}
