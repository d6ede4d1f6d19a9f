package boot

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The old ioctls do all that one address and one route need, and cost no netlink library.

// controlSocket runs work with a socket for interface ioctls.
func controlSocket(work func(socket int) error) error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(socket)
	return work(socket)
}

// linkUp switches an interface on.
func linkUp(name string) error {
	return controlSocket(func(socket int) error {
		request, err := unix.NewIfreq(name)
		if err != nil {
			return err
		}
		if err := unix.IoctlIfreq(socket, unix.SIOCGIFFLAGS, request); err != nil {
			return os.NewSyscallError("SIOCGIFFLAGS "+name, err)
		}
		request.SetUint16(request.Uint16() | unix.IFF_UP)
		return os.NewSyscallError("SIOCSIFFLAGS "+name, unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request))
	})
}

// setAddress gives an interface its address and, if gateway is valid, makes it the way to everywhere. Both may be set already.
func setAddress(name string, address netip.Prefix, gateway netip.Addr) error {
	return controlSocket(func(socket int) error {
		mask := net.CIDRMask(address.Bits(), 32)
		for _, step := range []struct {
			request uint
			value   []byte
		}{{unix.SIOCSIFADDR, address.Addr().AsSlice()}, {unix.SIOCSIFNETMASK, mask}} {
			request, err := unix.NewIfreq(name)
			if err == nil {
				err = request.SetInet4Addr(step.value)
			}
			if err != nil {
				return err
			}
			if err := unix.IoctlIfreq(socket, step.request, request); err != nil {
				return os.NewSyscallError("address of "+name, err)
			}
		}
		if !gateway.IsValid() {
			return nil
		}
		if err := addDefaultRoute(socket, gateway); err != nil && !errors.Is(err, unix.EEXIST) {
			return os.NewSyscallError("default route", err)
		}
		return nil
	})
}

// addDefaultRoute fills a struct rtentry: three sockaddrs of 16 bytes from offset 8, the flags behind them.
func addDefaultRoute(socket int, gateway netip.Addr) error {
	const (
		destination, via, netmask, flags = 8, 24, 40, 56
		up, throughGateway               = 1, 2
	)
	var route [120]byte
	for _, at := range []int{destination, via, netmask} {
		binary.NativeEndian.PutUint16(route[at:], unix.AF_INET)
	}
	copy(route[via+4:], gateway.AsSlice())
	binary.NativeEndian.PutUint16(route[flags:], up|throughGateway)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(socket), unix.SIOCADDRT, uintptr(unsafe.Pointer(&route[0])))
	if errno != 0 {
		return errno
	}
	return nil
}
