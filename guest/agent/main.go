// vzagent is the guest agent of vzshell: PID 1 of the guest, and the host's hands in it. See README.md and ../CONTRACT.md.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"vzagent/handover"
	"vzagent/nix"
)

// version is set by the linker: -ldflags "-X main.version=…".
var version = "0.1.0"

// arch is the guest's architecture in the contract's words.
var arch = map[string]string{"arm64": "arm64", "amd64": "x86_64"}[runtime.GOARCH]

const usage = `usage: vzagent version
       vzagent serve --unix PATH [--events PATH]   an agent without a machine, for tests of its client
As process 1 of a machine it boots it.
`

func main() {
	switch {
	case os.Getpid() == 1 && handover.IsLast(os.Args):
		handover.Last(strings.Join(os.Args[1:], " "))
	case os.Getpid() == 1:
		processOne()
	}
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "vzagent: %v\n", err)
		os.Exit(1)
	}
}

func command(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "version":
		fmt.Println(version)
		return nil
	case len(args) > 0 && args[0] == nix.ListenerMode:
		return nix.ExecAsListener(args[1:])
	case len(args) == 1 && args[0] == handover.AgentMode:
		initialize(handover.Parent())
	case len(args) == 1 && args[0] == handover.AdoptMode:
		return handover.Adopt()
	case len(args) > 0 && args[0] == "serve":
		return serveUnix(args[1:])
	}
	fmt.Fprint(os.Stderr, usage)
	os.Exit(2)
	return nil
}
