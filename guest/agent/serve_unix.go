package main

import (
	"flag"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"vzagent/account"
	"vzagent/events"
	"vzagent/fault"
	"vzagent/guest"
	"vzagent/journal"
	"vzagent/protocol"
	"vzagent/serve"
)

// serveUnix is the agent as an ordinary process: configured as whoever started it, on a unix socket that speaks what
// vhost-device-vsock speaks. Everything but the machine itself is the real thing.
func serveUnix(args []string) error {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	path := flags.String("unix", "", "socket to listen on")
	eventsPath := flags.String("events", "", "socket to dial for events")
	flags.Parse(args)
	journal.ToFile(os.Stderr)
	var sink io.Writer = io.Discard
	if *eventsPath != "" {
		conn, err := net.Dial("unix", *eventsPath)
		if err != nil {
			return err
		}
		sink = conn
	}
	os.Remove(*path)
	listener, err := net.Listen("unix", *path)
	if err != nil {
		return err
	}
	user, err := account.Current()
	if err != nil {
		return err
	}
	environment := map[string]string{}
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		environment[name] = value
	}
	emitter := events.New(sink)
	server := &serve.Server{Version: version, Arch: arch, Machine: &ordinaryProcess{emitter}, Events: emitter}
	server.Configured(&guest.Guest{User: user, Env: environment})
	emitter.Emit(events.Hello{Event: "hello", Protocol: protocol.Version, Version: version, Arch: arch, BootMs: events.Uptime()})
	return server.Run(serve.Greeted(listener))
}

// ordinaryProcess is the machine of serve mode: it has no clock, no disk and no power of its own.
type ordinaryProcess struct{ events *events.Emitter }

func (*ordinaryProcess) Configure([]byte) (*guest.Guest, any, error) {
	return nil, nil, fault.New(fault.AlreadyConfigured, "serve mode is configured from its start")
}

func (*ordinaryProcess) SetTime(unixMs int64) (int64, bool, error) {
	return time.Now().UnixMilli() - unixMs, false, nil
}

func (*ordinaryProcess) Busy(bool) {}

func (*ordinaryProcess) Sync() error { return nil }

func (*ordinaryProcess) RefreshStore([]byte) error {
	return fault.New(fault.BadRequest, "serve mode has no store")
}

func (p *ordinaryProcess) Shutdown(reason string) {
	p.events.Emit(events.Stopping{Event: "stopping", Reason: reason})
	p.events.Flush(time.Second)
	os.Exit(0)
}
