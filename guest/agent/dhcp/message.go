// Package dhcp asks for an IPv4 address (RFC 2131): as much of it as a guest behind its VMM's own server needs.
package dhcp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"time"
)

// Message types (option 53).
const (
	discover = 1
	offer    = 2
	request  = 3
	ack      = 5
	nak      = 6
)

// Options that are asked for or understood.
const (
	optionPad      = 0
	optionMask     = 1
	optionRouter   = 3
	optionDNS      = 6
	optionHostname = 12
	optionDomain   = 15
	optionAddress  = 50
	optionLease    = 51
	optionType     = 53
	optionServer   = 54
	optionWanted   = 55
	optionEnd      = 255
)

// fixedPart is what comes before the options: BOOTP's header of 236 bytes and the magic cookie.
const fixedPart = 240

var cookie = []byte{99, 130, 83, 99}

// Lease is what the server granted.
type Lease struct {
	Address netip.Prefix
	Router  netip.Addr // invalid without one
	DNS     []netip.Addr
	Domain  string
	Server  netip.Addr
	// Time from the grant to the end.
	Time time.Duration
}

// encode builds a message. With held the client keeps using that address while it asks to prolong it.
func encode(kind byte, transaction uint32, hardware [6]byte, hostname string, wanted *Lease, held bool) []byte {
	packet := make([]byte, fixedPart, 512)
	packet[0], packet[1], packet[2] = 1, 1, 6 // a request, on ethernet, with addresses of six bytes
	binary.BigEndian.PutUint32(packet[4:], transaction)
	packet[10] = 0x80 // answer by broadcast: without an address we could not take it otherwise
	copy(packet[28:], hardware[:])
	copy(packet[236:], cookie)
	add := func(option byte, value []byte) {
		packet = append(append(packet, option, byte(len(value))), value...)
	}
	add(optionType, []byte{kind})
	if wanted != nil {
		address := wanted.Address.Addr().As4()
		if held {
			copy(packet[12:], address[:])
		} else {
			server := wanted.Server.As4()
			add(optionAddress, address[:])
			add(optionServer, server[:])
		}
	}
	if hostname != "" && len(hostname) < 64 {
		add(optionHostname, []byte(hostname))
	}
	add(optionWanted, []byte{optionMask, optionRouter, optionDNS, optionDomain, optionLease})
	return append(packet, optionEnd)
}

var errForeign = errors.New("not an answer to us")

// decode reads an answer to transaction. What it says is checked only as far as it is used.
func decode(packet []byte, transaction uint32) (kind byte, lease Lease, err error) {
	if len(packet) < fixedPart || packet[0] != 2 || binary.BigEndian.Uint32(packet[4:]) != transaction || !bytes.Equal(packet[236:240], cookie) {
		return 0, lease, errForeign
	}
	options := map[byte][]byte{}
	for rest := packet[fixedPart:]; len(rest) > 0 && rest[0] != optionEnd; {
		if rest[0] == optionPad {
			rest = rest[1:]
			continue
		}
		if len(rest) < 2 || len(rest) < 2+int(rest[1]) {
			return 0, lease, errForeign
		}
		options[rest[0]] = rest[2 : 2+rest[1]]
		rest = rest[2+rest[1]:]
	}
	if len(options[optionType]) != 1 {
		return 0, lease, errForeign
	}
	address := netip.AddrFrom4([4]byte(packet[16:20]))
	lease.Address = netip.PrefixFrom(address, prefixLength(options[optionMask]))
	lease.Router = firstAddress(options[optionRouter])
	lease.Server = firstAddress(options[optionServer])
	for servers := options[optionDNS]; len(servers) >= 4; servers = servers[4:] {
		lease.DNS = append(lease.DNS, firstAddress(servers))
	}
	if domain := options[optionDomain]; isDomain(domain) {
		lease.Domain = string(domain)
	}
	lease.Time = time.Hour
	if raw := options[optionLease]; len(raw) == 4 {
		lease.Time = time.Duration(binary.BigEndian.Uint32(raw)) * time.Second
	}
	return options[optionType][0], lease, nil
}

func prefixLength(mask []byte) int {
	if len(mask) != 4 {
		return 24
	}
	length := 0
	for bits := binary.BigEndian.Uint32(mask); bits&0x80000000 != 0; bits <<= 1 {
		length++
	}
	return length
}

func firstAddress(raw []byte) netip.Addr {
	if len(raw) < 4 {
		return netip.Addr{}
	}
	return netip.AddrFrom4([4]byte(raw[:4]))
}

// isDomain keeps anything out of resolv.conf that is not a name.
func isDomain(raw []byte) bool {
	for _, c := range raw {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.') {
			return false
		}
	}
	return len(raw) > 0
}
