// Package disk knows the ext4 volume: what its superblock says, and how to make, check and trim one.
package disk

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"

	"vzagent/process"
)

// Where an ext4 superblock lies and what is in it (fs/ext4/ext4.h, struct ext4_super_block), in bytes.
const (
	superblockAt = 1024
	magicAt      = 0x38
	stateAt      = 0x3A
	uuidAt       = 0x68
	magic        = 0xEF53
	errorsFound  = 2 // bit of s_state
)

// Superblock is what the agent wants to know of a volume before it mounts it.
type Superblock struct {
	// Ext4 is false for anything else, a blank disk included; then nothing else counts.
	Ext4 bool
	// Errors: the kernel met damage that a journal does not mend.
	Errors bool
	UUID   string
}

// ReadSuperblock looks at a device or an image of one. A disk too small for a superblock is not ext4.
func ReadSuperblock(device io.ReaderAt) (Superblock, error) {
	var raw [1024]byte
	if _, err := device.ReadAt(raw[:], superblockAt); err == io.EOF {
		return Superblock{}, nil
	} else if err != nil {
		return Superblock{}, err
	}
	if binary.LittleEndian.Uint16(raw[magicAt:]) != magic {
		return Superblock{}, nil
	}
	id := raw[uuidAt : uuidAt+16]
	text := strings.Join([]string{
		hex.EncodeToString(id[:4]), hex.EncodeToString(id[4:6]), hex.EncodeToString(id[6:8]),
		hex.EncodeToString(id[8:10]), hex.EncodeToString(id[10:]),
	}, "-")
	return Superblock{Ext4: true, Errors: binary.LittleEndian.Uint16(raw[stateAt:])&errorsFound != 0, UUID: text}, nil
}

// Prepare makes device ready to be mounted: formatted when it is blank and that is allowed, checked when it says that it is
// damaged, and certainly the one that was asked for. A volume that was merely cut off is left to the kernel, which replays its
// journal at once; a check costs half a second.
func Prepare(device, uuid string, format bool) error {
	file, err := os.Open(device)
	if err != nil {
		return err
	}
	defer file.Close()
	super, err := ReadSuperblock(file)
	if err != nil {
		return err
	}
	switch {
	case !super.Ext4 && !format:
		return fmt.Errorf("the volume on %s is not ext4, and it is not to be formatted", device)
	case !super.Ext4:
		// -m1: on a volume that its user has filled, root and so Nix's daemon can still write. A file for orphans is for many
		// processors, and read whole at each mount, a block at a time: 0.1 s under emulation.
		_, err = process.Run([]string{
			"/usr/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-O", "^orphan_file", "-m1", "-U", uuid,
			"-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", device,
		}, tools)
		return err
	case !strings.EqualFold(super.UUID, uuid):
		return fmt.Errorf("the volume on %s is %s, but %s was expected", device, super.UUID, uuid)
	case super.Errors:
		_, err = process.Run([]string{"/usr/sbin/e2fsck", "-p", device}, tools, 1) // 1: mended
		return err
	}
	return nil
}

// tools is the environment of the programs that this package runs.
var tools = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C"}
