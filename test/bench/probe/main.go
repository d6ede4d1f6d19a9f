// The bare limits inside the guest, for scripts/bench: `probe echo PORT` echoes what it gets on a vsock port;
// `probe forkexec N PROGRAM` prints the median microseconds that starting and reaping PROGRAM takes; `probe read DIR...` reads every
// file below the directories and prints how many and the microseconds; `probe pull PORT BYTES` reads so much from a vsock port of the
// host and prints the microseconds.
package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "echo":
		port, err := strconv.ParseUint(args[1], 10, 32)
		if err != nil {
			return err
		}
		return echo(uint32(port))
	case len(args) == 3 && args[0] == "forkexec":
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		return forkexec(n, args[2])
	case len(args) > 1 && args[0] == "read":
		return readAll(args[1:])
	case len(args) == 3 && args[0] == "pull":
		port, err := strconv.ParseUint(args[1], 10, 32)
		if err != nil {
			return err
		}
		size, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return pull(uint32(port), size)
	}
	return fmt.Errorf("usage: probe echo PORT | forkexec N PROGRAM | read DIR... | pull PORT BYTES")
}

func echo(port uint32) error {
	listener, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	if err := unix.Bind(listener, &unix.SockaddrVM{CID: unix.VMADDR_CID_ANY, Port: port}); err != nil {
		return err
	}
	// A client may dial hundreds of times before an emulated guest accepts once, and a full queue refuses.
	if err := unix.Listen(listener, unix.SOMAXCONN); err != nil {
		return err
	}
	fmt.Println("listening")
	for {
		fd, _, err := unix.Accept(listener)
		if err != nil {
			return err
		}
		go func() {
			defer unix.Close(fd)
			// 16 KiB: vhost-device-vsock 0.3 loses larger packets of the guest.
			buffer := make([]byte, 16<<10)
			for {
				n, err := unix.Read(fd, buffer)
				if n <= 0 || err != nil {
					return
				}
				if _, err := unix.Write(fd, buffer[:n]); err != nil {
					return
				}
			}
		}()
	}
}

func forkexec(n int, program string) error {
	times := make([]time.Duration, n)
	for i := range times {
		start := time.Now()
		process, err := os.StartProcess(program, []string{program}, &os.ProcAttr{})
		if err != nil {
			return err
		}
		if _, err := process.Wait(); err != nil {
			return err
		}
		times[i] = time.Since(start)
	}
	slices.Sort(times)
	fmt.Println(times[n/2].Microseconds())
	return nil
}

func readAll(directories []string) error {
	start := time.Now()
	files := 0
	for _, directory := range directories {
		err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			file, err := os.Open(path)
			if err != nil {
				return err
			}
			defer file.Close()
			files++
			_, err = io.Copy(io.Discard, file)
			return err
		})
		if err != nil {
			return err
		}
	}
	fmt.Println(files, time.Since(start).Microseconds())
	return nil
}

func pull(port uint32, size int) error {
	start := time.Now()
	fd, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, &unix.SockaddrVM{CID: unix.VMADDR_CID_HOST, Port: port}); err != nil {
		return err
	}
	buffer := make([]byte, 64<<10)
	for size > 0 {
		n, err := unix.Read(fd, buffer)
		if err != nil {
			return err
		}
		if n == 0 {
			return io.ErrUnexpectedEOF
		}
		size -= n
	}
	fmt.Println(time.Since(start).Microseconds())
	return nil
}
