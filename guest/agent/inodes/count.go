// Package inodes keeps bounded how many inodes of shares the kernel remembers. Whoever serves a share holds a descriptor open for each
// inode that this guest may come back to, and a walk through a big tree would use up all that the host has.
package inodes

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// counter is the kernel's own count of the inodes of all FUSE file systems, VirtioFS among them. They are gone when the host has been
// told to forget them. Per processor it may count a few hundred too many that are free already.
const counter = "/sys/kernel/slab/fuse_inode/objects"

// Count is how many inodes of shares the kernel remembers.
func Count() (int64, error) {
	text, err := os.ReadFile(counter)
	if err != nil {
		return 0, err
	}
	// "5103 N0=5103\n": the sum, then the nodes of memory.
	sum, _, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	count, err := strconv.ParseInt(sum, 10, 64)
	if err != nil || count < 0 {
		return 0, fmt.Errorf("%s says %q, which is no count", counter, text)
	}
	return count, nil
}

// Drop makes the kernel forget all names and inodes that nobody has open. An inode of a share goes with its last name, and the host is
// told; so it does below the layers of the Nix store, whose own inodes hold it until then.
func Drop() error { return os.WriteFile("/proc/sys/vm/drop_caches", []byte("2"), 0) }
