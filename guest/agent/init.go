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
	"vzagent/handover"
	"vzagent/journal"
	"vzagent/process"
	"vzagent/protocol"
	"vzagent/serve"
)

// processOne is the life of process 1. It never returns: when it cannot go on, the machine is switched off, with the reason on the
// console and, if the host can be reached, in an event.
func processOne() {
	if err := boot.Early(); err != nil {
		fail(nil, err.Error())
	}
	switch boot.Profile() {
	case "agent":
		initialize(nil)
	case "systemd":
		err := handover.Split()
		journal.ToKernel()
		fail(nil, err.Error())
	default:
		journal.ToKernel()
		fail(nil, "this agent has no profile \""+boot.Profile()+"\" (vzshell.init on the kernel command line); it has \"agent\" and \"systemd\"")
	}
}

// initialize is the life of the agent: as process 1, or as a child of the one that will be systemd, behind link. It never returns.
func initialize(link *handover.Link) {
	// Caught and dropped, not ignored: what is ignored, children inherit.
	signal.Notify(make(chan os.Signal, 1), unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT, unix.SIGPIPE, unix.SIGUSR1, unix.SIGUSR2)
	began := events.Uptime()
	process.Reap()
	journal.ToKernel()
	modules, err := boot.FindModules("/")
	if err == nil {
		err = modules.LoadBus()
	}
	if err != nil {
		fail(nil, err.Error())
	}
	machine := boot.Prepare(modules, link)
	if err := modules.LoadVsock(); err != nil {
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
	journal.Info("the agent runs since %d ms, the host is told at %d ms", began, events.Uptime())
	machine.Events = emitter
	if link != nil {
		go obeyLast(machine)
	}
	server := &serve.Server{Version: version, Arch: arch, Machine: machine, Events: emitter}
	fail(emitter, "the server ended: "+run(server, listener))
}

func run(server *serve.Server, listener net.Listener) string {
	return server.Run(serve.HostOnly(listener)).Error()
}

// obeyLast waits for the last process 1 (package handover) to say that the end has come. When the guest itself asked systemd to end the
// machine, this is how the host hears of it.
func obeyLast(machine *boot.Machine) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, unix.SIGTERM)
	for range asked {
		machine.Leave()
	}
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
