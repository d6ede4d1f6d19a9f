package dhcp

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	serverPort = 67
	clientPort = 68
)

// firstWait is how long the first answer may take before the question is repeated; it doubles up to longestWait.
const (
	firstWait   = 500 * time.Millisecond
	longestWait = 8 * time.Second
)

// ErrRefused: the server does not let us have the address (any more).
var ErrRefused = errors.New("the DHCP server refused the address")

// Client asks on one interface.
type Client struct {
	Interface string
	Hardware  [6]byte
	Hostname  string
}

// Acquire gets a lease, for as long as it takes until deadline.
func (c *Client) Acquire(deadline time.Time) (Lease, error) {
	offered, err := c.exchange(discover, offer, nil, false, deadline)
	if err != nil {
		return Lease{}, err
	}
	return c.exchange(request, ack, &offered, false, deadline)
}

// Renew prolongs a lease.
func (c *Client) Renew(lease Lease, deadline time.Time) (Lease, error) {
	return c.exchange(request, ack, &lease, true, deadline)
}

func (c *Client) exchange(question, answer byte, wanted *Lease, held bool, deadline time.Time) (Lease, error) {
	socket, err := c.open()
	if err != nil {
		return Lease{}, err
	}
	defer unix.Close(socket)
	var number [4]byte
	rand.Read(number[:])
	transaction := binary.BigEndian.Uint32(number[:])
	packet := encode(question, transaction, c.Hardware, c.Hostname, wanted, held)
	everybody := &unix.SockaddrInet4{Port: serverPort, Addr: [4]byte{255, 255, 255, 255}}
	for wait := firstWait; time.Now().Before(deadline); wait = min(2*wait, longestWait) {
		if err := unix.Sendto(socket, packet, 0, everybody); err != nil {
			return Lease{}, os.NewSyscallError("DHCP: sendto", err)
		}
		until := time.Now().Add(wait)
		if until.After(deadline) {
			until = deadline
		}
		lease, err := receive(socket, transaction, answer, until)
		if err == nil || errors.Is(err, ErrRefused) {
			return lease, err
		}
	}
	return Lease{}, fmt.Errorf("no DHCP server answered on %s", c.Interface)
}

func receive(socket int, transaction uint32, answer byte, until time.Time) (Lease, error) {
	buffer := make([]byte, 1500)
	for {
		left := time.Until(until)
		if left <= 0 {
			return Lease{}, os.ErrDeadlineExceeded
		}
		ready := []unix.PollFd{{Fd: int32(socket), Events: unix.POLLIN}}
		if n, _ := unix.Poll(ready, int(left.Milliseconds())+1); n < 1 {
			continue
		}
		n, _, err := unix.Recvfrom(socket, buffer, 0)
		if err != nil {
			return Lease{}, os.NewSyscallError("DHCP: recvfrom", err)
		}
		kind, lease, err := decode(buffer[:n], transaction)
		switch {
		case err != nil:
		case kind == nak:
			return Lease{}, ErrRefused
		case kind == answer && lease.Address.Addr() != netip.IPv4Unspecified():
			return lease, nil
		}
	}
}

// open makes a socket that sends and hears broadcasts on the interface before that has an address.
func (c *Client) open() (int, error) {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("DHCP: socket", err)
	}
	if err = unix.BindToDevice(socket, c.Interface); err == nil {
		err = unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_BROADCAST, 1)
	}
	if err == nil {
		err = unix.SetsockoptInt(socket, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	}
	if err == nil {
		err = unix.Bind(socket, &unix.SockaddrInet4{Port: clientPort})
	}
	if err != nil {
		unix.Close(socket)
		return -1, os.NewSyscallError("DHCP: socket on "+c.Interface, err)
	}
	return socket, nil
}
