package serve

import (
	"encoding/hex"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"vzagent/guest"
)

// port is a TCP socket that somebody listens on.
type port struct {
	Port     uint16 `json:"port"`
	Address  string `json:"address"`
	Protocol string `json:"protocol"`
}

func ports(*Server, *guest.Guest, []byte) (any, error) {
	found := []port{}
	for _, path := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		table, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) { // a kernel without IPv6 has no tcp6
			return nil, err
		}
		found = append(found, listening(string(table))...)
	}
	slices.SortFunc(found, func(a, b port) int { return int(a.Port) - int(b.Port) })
	return map[string][]port{"ports": slices.Compact(found)}, nil
}

// listening picks the sockets in state LISTEN (0A) out of a /proc/net/tcp table.
func listening(table string) (found []port) {
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 4 || fields[3] != "0A" {
			continue
		}
		address, number, ok := strings.Cut(fields[1], ":")
		parsed, err := strconv.ParseUint(number, 16, 16)
		ip, valid := kernelAddress(address)
		if ok && err == nil && valid {
			found = append(found, port{uint16(parsed), ip.String(), "tcp"})
		}
	}
	return found
}

// kernelAddress reads an address as the kernel prints it: 32-bit words in host order, which is little endian on arm64 and x86_64.
func kernelAddress(text string) (netip.Addr, bool) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw)%4 != 0 {
		return netip.Addr{}, false
	}
	for word := range slices.Chunk(raw, 4) {
		slices.Reverse(word)
	}
	return netip.AddrFromSlice(raw)
}
