package dhcp

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

var hardware = [6]byte{0x52, 0x54, 0, 0x12, 0x34, 0x56}

// answer is a server's message as QEMU's user network sends it.
func answer(kind byte, transaction uint32, options ...byte) []byte {
	packet := make([]byte, fixedPart)
	packet[0], packet[1], packet[2] = 2, 1, 6
	binary.BigEndian.PutUint32(packet[4:], transaction)
	copy(packet[16:], []byte{10, 0, 2, 15})
	copy(packet[236:], cookie)
	return append(append(append(packet, optionType, 1, kind), options...), optionEnd)
}

func TestAnAnswerIsUnderstood(t *testing.T) {
	kind, lease, err := decode(answer(ack, 7,
		optionPad, optionMask, 4, 255, 255, 255, 0, optionRouter, 4, 10, 0, 2, 2, optionDNS, 8, 10, 0, 2, 3, 1, 1, 1, 1,
		optionLease, 4, 0, 1, 0x51, 0x80, optionServer, 4, 10, 0, 2, 2, optionDomain, 3, 'l', 'a', 'n'), 7)
	if err != nil || kind != ack {
		t.Fatal(kind, err)
	}
	if lease.Address != netip.MustParsePrefix("10.0.2.15/24") || lease.Router != netip.MustParseAddr("10.0.2.2") ||
		len(lease.DNS) != 2 || lease.DNS[1] != netip.MustParseAddr("1.1.1.1") || lease.Time != 24*time.Hour || lease.Domain != "lan" {
		t.Fatalf("%+v", lease)
	}
}

func TestWhatIsNotForUsIsIgnored(t *testing.T) {
	ours := answer(offer, 7)
	foreign := bytes.Clone(ours)
	foreign[7] = 8
	question := bytes.Clone(ours)
	question[0] = 1
	for name, packet := range map[string][]byte{
		"another transaction": foreign, "a question": question, "too short": ours[:100], "no cookie": append(make([]byte, 240), 255),
		"option over the end": append(ours[:len(ours)-1], optionDNS, 200, 1), "no type": append(bytes.Clone(ours[:fixedPart]), optionEnd),
	} {
		if _, _, err := decode(packet, 7); err == nil {
			t.Errorf("%s was taken for an answer", name)
		}
	}
}

func TestADomainThatWouldBreakResolvConfIsDropped(t *testing.T) {
	_, lease, err := decode(answer(ack, 7, optionDomain, 5, 'a', '\n', 'b', ' ', 'c'), 7)
	if err != nil || lease.Domain != "" {
		t.Fatalf("%q, %v", lease.Domain, err)
	}
}

func TestAQuestionNamesWhatItWants(t *testing.T) {
	wanted := &Lease{Address: netip.MustParsePrefix("10.0.2.15/24"), Server: netip.MustParseAddr("10.0.2.2")}
	first := encode(request, 7, hardware, "hello", wanted, false)
	if !bytes.Contains(first, []byte{optionAddress, 4, 10, 0, 2, 15}) || !bytes.Contains(first, []byte{optionServer, 4, 10, 0, 2, 2}) ||
		!bytes.Contains(first, append([]byte{optionHostname, 5}, "hello"...)) || !bytes.Equal(first[28:34], hardware[:]) {
		t.Fatalf("%x", first)
	}
	renewal := encode(request, 7, hardware, "", wanted, true)
	if !bytes.Equal(renewal[12:16], []byte{10, 0, 2, 15}) || bytes.Contains(renewal, []byte{optionServer, 4}) {
		t.Fatalf("a renewal carries its address in ciaddr alone: %x", renewal)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(answer(offer, 7, optionMask, 4, 255, 255, 255, 0))
	f.Fuzz(func(t *testing.T, packet []byte) {
		if _, lease, err := decode(packet, 7); err == nil && !lease.Address.IsValid() && lease.Address.Bits() > 32 {
			t.Fatalf("%+v", lease)
		}
	})
}
