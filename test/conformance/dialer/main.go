// dialer PORT: runs in the guest. Dials that vsock port of the host, sends its standard input, prints the first line of the answer.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"
	"unsafe"
)

const (
	afVsock = 40
	host    = 2
)

// address is struct sockaddr_vm of linux/vm_sockets.h.
type address struct {
	family, _ uint16
	port, cid uint32
	_         [4]byte
}

func main() {
	if err := dial(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "dialer:", err)
		os.Exit(1)
	}
}

func dial(port string) error {
	number, err := strconv.ParseUint(port, 10, 32)
	if err != nil {
		return err
	}
	fd, err := syscall.Socket(afVsock, syscall.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	to := address{family: afVsock, port: uint32(number), cid: host}
	_, _, errno := syscall.Syscall(syscall.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&to)), unsafe.Sizeof(to))
	if errno != 0 {
		return errno
	}
	connection := os.NewFile(uintptr(fd), "vsock")
	defer connection.Close()
	if _, err := io.Copy(connection, os.Stdin); err != nil {
		return err
	}
	line, err := bufio.NewReader(connection).ReadString('\n')
	fmt.Print(line)
	return err
}
