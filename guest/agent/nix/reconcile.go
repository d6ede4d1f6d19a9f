package nix

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"vzagent/journal"
	"vzagent/process"
)

// sqlite is the program; the agent has no SQL of its own.
const sqlite = "/usr/bin/sqlite3"

// The volume's database holds a row for each path of the lower layer that was ever asked for. When the lower layer is another one,
// because the host has collected garbage, or the volume is used with another image or on another host, some of those paths are
// gone: their rows go, with those of all that refers to them, for Nix would believe them. What the lower layer has with other
// contents is described anew.
const reconcileSQL = `
create temp table missing(id integer primary key);
create temp table changed(id integer primary key, path text, hash text, size integer);
begin immediate;
with recursive gone(id) as (
  select v.id from ValidPaths v where v.path not in (select path from present)
    and not exists (select 1 from lower.ValidPaths l where l.path = v.path)
  union select r.referrer from Refs r join gone on r.reference = gone.id)
insert into missing select id from gone;
insert into changed select v.id, v.path, l.hash, l.narSize from ValidPaths v join lower.ValidPaths l on l.path = v.path
  where l.hash <> v.hash and v.path not in (select path from present) and v.id not in (select id from missing);
update ValidPaths set (hash, narSize) = (select hash, size from changed c where c.id = ValidPaths.id)
  where id in (select id from changed);
delete from Refs where referrer in (select id from missing) or reference in (select id from missing);
delete from DerivationOutputs where drv in (select id from missing);
delete from ValidPaths where id in (select id from missing);
commit;
select count(*) from missing;
select substr(v.path, 12) from ValidPaths v join lower.ValidPaths l on l.path = v.path
  where l.hash <> v.hash and v.path in (select path from present);
`

// busyPatience is how long a daemon may have the database locked, in milliseconds.
const busyPatience = 10_000

// reconcile makes the volume's database true again.
func (l *Layers) reconcile() error {
	began := time.Now()
	entries, err := os.ReadDir(l.Upper())
	if err != nil {
		return err
	}
	var script strings.Builder
	fmt.Fprintf(&script, ".bail on\n.timeout %d\nattach %s as lower;\ncreate temp table present(path text primary key) without rowid;\n",
		busyPatience, quote("file:"+LowerState+"/db/db.sqlite?immutable=1"))
	for _, entry := range entries {
		// A character device is a whiteout: what the guest has deleted.
		if entry.Type()&os.ModeCharDevice == 0 {
			fmt.Fprintf(&script, "insert into present values (%s);\n", quote("/nix/store/"+entry.Name()))
		}
	}
	script.WriteString(reconcileSQL)
	const file = "/run/vzshell/reconcile.sql"
	if err := os.WriteFile(file, []byte(script.String()), 0o600); err != nil {
		return err
	}
	defer os.Remove(file)
	said, err := process.Run([]string{sqlite, "-batch", "-init", "/dev/null", "file:" + l.database() + "?mode=rw", ".read " + file},
		[]string{"HOME=/root", "LANG=C.UTF-8"})
	if err != nil {
		return fmt.Errorf("cannot reconcile the database of the volume: %w", err)
	}
	lines := strings.Split(said, "\n")
	missing, err := strconv.Atoi(lines[0])
	if err != nil {
		return fmt.Errorf("cannot reconcile the database of the volume: %s", said)
	}
	l.hideLower(lines[1:])
	journal.Info("the store's lower layer is another one: %d paths are no longer valid (%v)", missing, time.Since(began).Round(time.Millisecond))
	return nil
}

// hideLower makes paths of the volume's layer cover what the lower layer has in their place with other contents: directories would
// be merged otherwise.
func (l *Layers) hideLower(names []string) {
	for _, name := range names {
		path := l.Upper() + "/" + name
		var is unix.Stat_t
		if unix.Lstat(path, &is) != nil || is.Mode&unix.S_IFMT != unix.S_IFDIR {
			continue
		}
		if err := MakeOpaque(path); err != nil {
			journal.Error("%v", err)
		}
	}
}

// MakeOpaque makes a directory of an upper layer hide all that lies in lower ones at its place.
func MakeOpaque(path string) error {
	if err := unix.Lsetxattr(path, "trusted.overlay.opaque", []byte("y"), 0); err != nil {
		return &os.PathError{Op: "lsetxattr", Path: path, Err: err}
	}
	return nil
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
