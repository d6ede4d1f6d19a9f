package main

import (
	"net"
	"os"
	"os/signal"
	"time"

	"github.com/mdlayher/vsock"
	"golang.org/x/sys/unix"

	"vzagent/boot"
	"vzagent/events"
	"vzagent/journal"
	"vzagent/process"
	"vzagent/protocol"
	"vzagent/serve"
)

// initialize is the life of PID 1. It never returns: when it cannot go on, the machine is switched off, with the reason on the
// console and, if the host can be reached, in an event.
func initialize() {
	// Caught and dropped, not ignored: what is ignored, children inherit.
	signal.Notify(make(chan os.Signal, 1), unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT, unix.SIGPIPE, unix.SIGUSR1, unix.SIGUSR2)
	began := events.Uptime()
	process.Reap()
	if err := boot.Early(); err != nil {
		fail(nil, err.Error())
	}
	journal.ToKernel()
	modules, err := boot.FindModules("/")
	if err == nil {
		err = modules.LoadVsock()
	}
	if err != nil {
		fail(nil, err.Error())
	}
	listener, err := vsock.Listen(protocol.AgentPort, nil)
	if err != nil {
		fail(nil, "cannot listen on vsock: "+err.Error())
	}
	host, err := vsock.Dial(vsock.Host, protocol.EventsPort, nil)
	if err != nil {
		fail(nil, "cannot reach the host on vsock: "+err.Error())
	}
	emitter := events.New(host)
	emitter.Emit(events.Hello{Event: "hello", Protocol: protocol.Version, Version: version, Arch: arch, BootMs: events.Uptime()})
	journal.Info("process 1 since %d ms, the host is told at %d ms", began, events.Uptime())
	if profile := boot.Parameter("vzshell.init"); profile != "" && profile != "agent" {
		fail(emitter, "this agent has no profile \""+profile+"\" (vzshell.init on the kernel command line); it has \"agent\"")
	}
	server := &serve.Server{Version: version, Arch: arch, Machine: boot.Prepare(modules, emitter), Events: emitter}
	fail(emitter, "the server ended: "+run(server, listener))
}

func run(server *serve.Server, listener net.Listener) string {
	return server.Run(serve.HostOnly(listener)).Error()
}

// fail switches the machine off. Exiting would make the kernel panic, which says less.
func fail(emitter *events.Emitter, reason string) {
	journal.Error("%s", reason)
	if emitter != nil {
		emitter.Emit(events.Stopping{Event: "stopping", Reason: reason})
		emitter.Flush(time.Second)
	}
	unix.Sync()
	unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	select {}
}
