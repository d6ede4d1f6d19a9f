package nix

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"vzagent/process"
)

// program is Nix's daemon.
const program = "/usr/bin/nix-daemon"

// daemonArguments is the command line of a daemon that opens the layered store.
func (l *Layers) daemonArguments(mode string) []string {
	return []string{program, mode, "--option", "store", storeURI(l.Dir, l.Upper())}
}

// makeDatabase makes the database of a fresh volume. Of the daemon's first callers each would do so, and of two at once one finds it
// busy and is cut off. A daemon for one caller, who says nothing, does no more than that.
func (l *Layers) makeDatabase() error {
	// Nix writes this file last.
	schema := filepath.Join(filepath.Dir(l.database()), "schema")
	if _, err := os.Stat(schema); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	said, err := process.Run(l.daemonArguments("--stdio"), environment, 1) // 1: nobody spoke to it
	if err == nil {
		_, err = os.Stat(schema)
	}
	if err != nil {
		return fmt.Errorf("cannot make the database of the volume: %w: %s", err, said)
	}
	return nil
}

// makeLowerDirectories makes what each of the daemon's first callers would make for itself at each boot, and fail where another one
// was quicker.
func makeLowerDirectories() error {
	roots := LowerState + "/gcroots"
	if err := os.MkdirAll(roots, 0o755); err != nil {
		return err
	}
	if err := os.Symlink(LowerState+"/profiles", roots+"/profiles"); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
