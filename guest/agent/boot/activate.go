package boot

import (
	"fmt"
	"os"

	"vzagent/journal"
	"vzagent/process"
)

// activation is what an image may have to do before it is a system, such as NixOS' activation.
const activation = "/etc/vzshell/activate"

// Profile is who process 1 is: "agent" or "systemd".
func Profile() string {
	if name := Parameter("vzshell.init"); name != "" {
		return name
	}
	return "agent"
}

// activate runs the image's activation, if it has one, when the store is there. What it says goes to the log.
func activate() error { return activateBy(activation) }

func activateBy(program string) error {
	if _, err := os.Stat(program); os.IsNotExist(err) {
		return nil
	}
	said, err := process.Run([]string{program}, []string{"HOME=/root", "LANG=C.UTF-8", "VZSHELL_PROFILE=" + Profile()})
	if err != nil {
		return fmt.Errorf("the image's activation failed: %w", err)
	}
	if said != "" {
		journal.Info("activation: %s", said)
	}
	return nil
}
