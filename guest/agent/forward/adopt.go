package forward

import (
	"net"
	"os"
)

// adopt makes a connected unix socket a connection of Go's.
func adopt(fd int) (duplex, error) {
	file := os.NewFile(uintptr(fd), "socket")
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	return conn.(*net.UnixConn), nil
}
