package account

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Wanted is the user that the host asks for.
type Wanted struct {
	Name  string `json:"name"`
	UID   uint32 `json:"uid"`
	GID   uint32 `json:"gid"`
	Group string `json:"group"`
	Home  string `json:"home"`
	Shell string `json:"shell"`
}

// Databases are the contents of /etc/passwd, /etc/group and /etc/shadow.
type Databases struct{ Passwd, Group, Shadow []byte }

// sudoers is the group whose members may become root without a password.
const sudoers = "sudo"

// Merge returns the databases with the user in them. What the image has stays as far as it can:
//   - uid 0 is root, whatever the host calls it; only home and shell change;
//   - a name that the image gives to another uid is the host user's from now on;
//   - a uid that the image gives to another name stays that name's too, but resolves to the host user, who stands before it;
//   - a gid that the image knows keeps its name; a group name that belongs to another gid is not taken.
func Merge(image Databases, user Wanted) (Databases, error) {
	for _, field := range []string{user.Name, user.Group, user.Home, user.Shell} {
		if field == "" || strings.ContainsAny(field, ":\n\x00") {
			return image, fmt.Errorf("%q cannot stand in /etc/passwd", field)
		}
	}
	passwd, group, shadow := split(image.Passwd), split(image.Group), split(image.Shadow)
	if user.UID == 0 {
		for i, line := range passwd {
			if field(line, 2) == "0" {
				fields := strings.Split(line, ":")
				fields[5], fields[6] = user.Home, user.Shell
				passwd[i] = strings.Join(fields, ":")
			}
		}
		return Databases{join(passwd), image.Group, image.Shadow}, nil
	}
	uid, gid := strconv.Itoa(int(user.UID)), strconv.Itoa(int(user.GID))
	passwd = without(passwd, user.Name)
	place := slices.IndexFunc(passwd, func(line string) bool { return field(line, 2) == uid })
	if place < 0 {
		place = len(passwd)
	}
	passwd = slices.Insert(passwd, place, strings.Join([]string{user.Name, "x", uid, gid, "", user.Home, user.Shell}, ":"))
	shadow = append(without(shadow, user.Name), user.Name+":*:1::::::")
	group = withMember(withGroup(group, user.Group, gid), sudoers, user.Name)
	return Databases{join(passwd), join(group), join(shadow)}, nil
}

func withGroup(group []string, name, gid string) []string {
	if slices.ContainsFunc(group, func(line string) bool { return field(line, 2) == gid }) {
		return group
	}
	if slices.ContainsFunc(group, func(line string) bool { return field(line, 0) == name }) {
		name = "group" + gid
	}
	return append(group, name+":x:"+gid+":")
}

func withMember(group []string, name, member string) []string {
	for i, line := range group {
		if field(line, 0) != name {
			continue
		}
		fields := strings.Split(line, ":")
		members := strings.FieldsFunc(fields[3], func(r rune) bool { return r == ',' })
		if !slices.Contains(members, member) {
			fields[3] = strings.Join(append(members, member), ",")
		}
		group[i] = strings.Join(fields, ":")
	}
	return group
}

func without(lines []string, name string) []string {
	return slices.DeleteFunc(lines, func(line string) bool { return field(line, 0) == name })
}

func field(line string, index int) string {
	fields := strings.Split(line, ":")
	if index >= len(fields) {
		return ""
	}
	return fields[index]
}

// split drops lines that are no entry at all.
func split(content []byte) (lines []string) {
	for line := range bytes.Lines(content) {
		if text := strings.TrimRight(string(line), "\n"); strings.Contains(text, ":") {
			lines = append(lines, text)
		}
	}
	return lines
}

func join(lines []string) []byte { return []byte(strings.Join(lines, "\n") + "\n") }
