package boot

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vzagent/dhcp"
	"vzagent/journal"
)

// resolvers is where the image's /etc/resolv.conf leads.
const resolvers = "/run/resolv.conf"

// How long `configure` waits for an address, and how long the asking goes on behind it.
const (
	addressPatience = 3 * time.Second
	serverPatience  = 60 * time.Second
)

// network brings the first ethernet interface up and keeps its address alive. The channel is closed when there is an address,
// or when it is clear that there will be none.
func network(hostname string) (<-chan struct{}, error) {
	name, hardware, err := firstInterface()
	if err != nil {
		return nil, err
	}
	if err := linkUp(name); err != nil {
		return nil, err
	}
	settled := make(chan struct{})
	go func() {
		client := &dhcp.Client{Interface: name, Hardware: hardware, Hostname: hostname}
		lease, err := client.Acquire(time.Now().Add(serverPatience))
		if err == nil {
			err = apply(name, lease)
		}
		close(settled)
		if err != nil {
			journal.Error("network: %v", err)
			return
		}
		keep(client, lease)
	}()
	return settled, nil
}

// keep renews the lease at half of its time, as the RFC wants, and starts over when the server has forgotten us.
func keep(client *dhcp.Client, lease dhcp.Lease) {
	for {
		half := max(lease.Time/2, 30*time.Second)
		time.Sleep(half)
		renewed, err := client.Renew(lease, time.Now().Add(half))
		if errors.Is(err, dhcp.ErrRefused) {
			renewed, err = client.Acquire(time.Now().Add(serverPatience))
		}
		if err == nil {
			err = apply(client.Interface, renewed)
		}
		if err != nil {
			journal.Error("network: %v", err)
			continue
		}
		lease = renewed
	}
}

func firstInterface() (name string, hardware [6]byte, err error) {
	paths, _ := filepath.Glob("/sys/class/net/*/address")
	for _, path := range paths {
		name := filepath.Base(filepath.Dir(path))
		text, err := os.ReadFile(path)
		if err != nil || name == "lo" {
			continue
		}
		address, err := net.ParseMAC(strings.TrimSpace(string(text)))
		if err == nil && len(address) == len(hardware) {
			return name, [6]byte(address), nil
		}
	}
	return "", hardware, errors.New(`"network": "nat" is asked for, but this machine has no network interface`)
}

func apply(name string, lease dhcp.Lease) error {
	if err := setAddress(name, lease.Address, lease.Router); err != nil {
		return err
	}
	journal.Info("network: %s has %v", name, lease.Address)
	return writeResolvConf(resolvers, lease)
}

func writeResolvConf(path string, lease dhcp.Lease) error {
	var text strings.Builder
	for _, server := range lease.DNS {
		fmt.Fprintf(&text, "nameserver %v\n", server)
	}
	if lease.Domain != "" {
		fmt.Fprintf(&text, "search %s\n", lease.Domain)
	}
	return os.WriteFile(path, []byte(text.String()), 0o644)
}
