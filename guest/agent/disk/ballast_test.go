package disk

import (
	"os"
	"testing"
)

// Its two ends need a file system to fill, and run in a guest: test/integration/volume/full.test.ts.
func TestBallastIsTakenOnceAndStaysWhereThereIsRoom(t *testing.T) {
	volume := t.TempDir()
	for range 2 {
		if err := TakeBallast(volume); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(volume + "/ballast")
	if err != nil || info.Size() != ballastSize || info.Mode() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	if dropped, err := DropBallast(volume); dropped || err != nil {
		t.Fatal(dropped, err)
	}
}
