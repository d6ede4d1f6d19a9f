package nix

import (
	"errors"
	"os"
	"strings"

	"vzagent/process"
)

// versionFile is where the image says which Nix it has: asking the program costs half a second under emulation.
const versionFile = "/etc/vzshell/nix-version"

// Version is the version of the image's Nix.
func Version() (string, error) {
	if text, err := os.ReadFile(versionFile); err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	// "nix-daemon (Nix) 2.26.3"
	said, err := process.Run([]string{"/usr/bin/nix-daemon", "--version"}, []string{"PATH=/usr/bin:/bin", "HOME=/root"})
	if err != nil {
		return "", err
	}
	words := strings.Fields(said)
	if len(words) == 0 {
		return "", errors.New("nix-daemon --version says nothing")
	}
	return words[len(words)-1], nil
}
