package account

import (
	"slices"
	"strings"
	"testing"
)

var image = Databases{
	Passwd: []byte("root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\nsshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n"),
	Group:  []byte("root:x:0:\ndialout:x:20:\nsudo:x:27:\nstaff:x:50:\n"),
	Shadow: []byte("root:*:1::::::\nsshd:*:1::::::\n"),
}

func TestMerge(t *testing.T) {
	alice := Wanted{"alice", 1000, 1000, "alice", "/home/alice", "/bin/bash"}
	change := func(f func(*Wanted)) Wanted { u := alice; f(&u); return u }
	for _, row := range []struct {
		name   string
		user   Wanted
		passwd string // must hold this line
		group  string // must hold this line
		gone   string // must not hold this in passwd
	}{
		{"new user", alice, "alice:x:1000:1000::/home/alice:/bin/bash", "alice:x:1000:", ""},
		{"may use sudo", alice, "root:x:0:0:root:/root:/bin/bash", "sudo:x:27:alice", ""},
		{"known gid keeps its name", change(func(u *Wanted) { u.GID, u.Group = 20, "staff" }), "alice:x:1000:20::/home/alice:/bin/bash", "dialout:x:20:", ""},
		{"group name of another gid", change(func(u *Wanted) { u.GID, u.Group = 1234, "staff" }), "alice:x:1000:1234::/home/alice:/bin/bash", "group1234:x:1234:", ""},
		{"name of another uid", change(func(u *Wanted) { u.Name = "sshd" }), "sshd:x:1000:1000::/home/alice:/bin/bash", "sudo:x:27:sshd", "sshd:x:101"},
		{"root", Wanted{"root", 0, 0, "root", "/Users/root", "/bin/sh"}, "root:x:0:0:root:/Users/root:/bin/sh", "sudo:x:27:", ":/root:"},
	} {
		got, err := Merge(image, row.user)
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		if !slices.Contains(strings.Split(string(got.Passwd), "\n"), row.passwd) {
			t.Errorf("%s: passwd\n%s", row.name, got.Passwd)
		}
		if !slices.Contains(strings.Split(string(got.Group), "\n"), row.group) {
			t.Errorf("%s: group\n%s", row.name, got.Group)
		}
		if row.gone != "" && strings.Contains(string(got.Passwd), row.gone) {
			t.Errorf("%s: %q is still in\n%s", row.name, row.gone, got.Passwd)
		}
	}
}

func TestAUidOfTheImageResolvesToTheHostsUser(t *testing.T) {
	got, err := Merge(image, Wanted{"alice", 101, 1000, "alice", "/home/alice", "/bin/bash"})
	if err != nil {
		t.Fatal(err)
	}
	byUID, err := find(got.Passwd, got.Group, "101")
	if err != nil || byUID.Name != "alice" {
		t.Fatalf("uid 101 is %+v, %v", byUID, err)
	}
	if _, err := find(got.Passwd, got.Group, "sshd"); err != nil {
		t.Fatalf("sshd is gone: %v", err)
	}
}

func TestMergeTwiceChangesNothingMore(t *testing.T) {
	user := Wanted{"alice", 1000, 1000, "alice", "/home/alice", "/bin/bash"}
	once, err := Merge(image, user)
	if err != nil {
		t.Fatal(err)
	}
	twice, err := Merge(once, user)
	if err != nil || string(once.Passwd) != string(twice.Passwd) || string(once.Group) != string(twice.Group) || string(once.Shadow) != string(twice.Shadow) {
		t.Fatalf("%v\n%s\n%s\n%s", err, twice.Passwd, twice.Group, twice.Shadow)
	}
}

func TestMergeRefusesWhatWouldBreakTheFile(t *testing.T) {
	for _, user := range []Wanted{
		{"a:b", 1000, 1000, "g", "/home", "/bin/sh"}, {"a", 1000, 1000, "g\n", "/home", "/bin/sh"},
		{"a", 1000, 1000, "g", "/ho:me", "/bin/sh"}, {"", 1000, 1000, "g", "/home", "/bin/sh"},
	} {
		if _, err := Merge(image, user); err == nil {
			t.Errorf("%+v was accepted", user)
		}
	}
}

func TestFindGivesSupplementaryGroups(t *testing.T) {
	group := []byte("alice:x:1000:\nsudo:x:27:bob,alice\nkvm:x:104:bob\nnixbld:x:30000:alice\nbroken\n")
	passwd := []byte("broken\nalice:x:1000:1000::/home/alice:/bin/bash\n")
	user, err := find(passwd, group, "alice")
	if err != nil || !slices.Equal(user.Groups, []uint32{1000, 27, 30000}) {
		t.Fatalf("%+v, %v", user, err)
	}
	if nobody, err := find(passwd, group, "4242"); err != nil || nobody.UID != 4242 || nobody.Home != "/" {
		t.Fatalf("a uid without an entry: %+v, %v", nobody, err)
	}
	if _, err := find(passwd, group, "mallory"); err == nil {
		t.Fatal("an unknown name was found")
	}
}
