// Package nix starts the guest's Nix daemon when it is first needed. Its start is the dearest step of a boot.
package nix

import (
	"fmt"
	"strings"
)

const (
	// Socket is where everybody expects the daemon.
	Socket = "/nix/var/nix/daemon-socket/socket"
	// LowerState is the state directory of the lower store, on a tmpfs: even a read-only store makes directories there.
	LowerState = "/run/vzshell/lower"
	// Conf is included by the image's nix.conf.
	Conf = "/run/vzshell/nix.conf"
)

// storeURI names the layered store, which only the daemon opens: image is the lower layer's directory, upper the volume's.
func storeURI(image, upper string) string {
	lower := "local://?real=" + image + "&state=" + LowerState + "&read-only=true"
	return "local-overlay://?lower-store=" + escape(lower) + "&upper-layer=" + upper
}

// escape quotes what has a meaning in a store URI.
func escape(text string) string {
	var result strings.Builder
	for _, c := range []byte(text) {
		if strings.IndexByte(":/?&=%", c) >= 0 {
			fmt.Fprintf(&result, "%%%02X", c)
		} else {
			result.WriteByte(c)
		}
	}
	return result.String()
}
