package boot

import (
	"encoding/json"
	"os"
	"time"

	"vzagent/account"
	"vzagent/events"
	"vzagent/fault"
	"vzagent/guest"
	"vzagent/journal"
	"vzagent/nix"
)

// Configure is what the host sends once per boot.
type Configure struct {
	Hostname string         `json:"hostname"`
	UnixMs   int64          `json:"unixMs"`
	Timezone string         `json:"timezone"`
	User     account.Wanted `json:"user"`
	Shares   []Share        `json:"shares"`
	// ShareLimit is how many inodes of shares the host can bear that the kernel remembers; 0: as many as it likes.
	ShareLimit int64                 `json:"shareLimit"`
	Volume     *Volume               `json:"volume"`
	TmpfsStore bool                  `json:"tmpfsStore"`
	Store      Store                 `json:"store"`
	Network    string                `json:"network"`
	Nix        struct{ Conf string } `json:"nix"`
	Env        map[string]string     `json:"env"`
}

// Configured is the answer.
type Configured struct {
	UptimeMs   int64  `json:"uptimeMs"`
	NixVersion string `json:"nixVersion"`
	Home       string `json:"home"`
}

// lateDelay keeps what nobody waits for, modules and the deletion of old builds, away from the first command.
const lateDelay = 2 * time.Second

// Configure makes the machine what the host wants, step by step; each step is an event.
func (m *Machine) Configure(body []byte) (*guest.Guest, any, error) {
	var wanted Configure
	if err := json.Unmarshal(body, &wanted); err != nil {
		return nil, nil, fault.New(fault.BadRequest, "this is no configuration: %v", err)
	}
	if wanted.Network != "nat" && wanted.Network != "none" {
		return nil, nil, fault.New(fault.BadRequest, `"network" is %q, not "nat" or "none"`, wanted.Network)
	}
	if _, _, err := setClock(wanted.UnixMs); err != nil {
		return nil, nil, err
	}
	<-m.prepared
	if m.prepareErr != nil {
		return nil, nil, m.prepareErr
	}
	for _, done := range m.preparation {
		m.Events.Emit(done)
	}
	if err := m.makeRoot(&wanted); err != nil {
		return nil, nil, err
	}
	m.phase("root")
	g, err := m.configure(&wanted)
	if err != nil {
		return nil, nil, err
	}
	version, err := nix.Version()
	if err != nil {
		return nil, nil, err
	}
	if m.link != nil {
		if err := m.link.Give(); err != nil {
			return nil, nil, err
		}
	}
	m.phase("ready")
	time.AfterFunc(lateDelay, m.afterwards)
	return g, Configured{events.Uptime(), version, g.User.Home}, nil
}

// makeRoot makes the root, with the settings in it.
func (m *Machine) makeRoot(wanted *Configure) error {
	s, err := openSettings(imagePoint, topPoint+"/upper")
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.hostname(wanted.Hostname); err != nil {
		return err
	}
	if err := s.timezone(wanted.Timezone); err != nil {
		return err
	}
	if err := s.accounts(wanted.User); err != nil {
		return err
	}
	if err := makeRoot(); err != nil {
		return err
	}
	applyLimits()
	// Nix gives it to the sandbox of every fixed-output build, and fails where it is not.
	if err := os.WriteFile(resolvers, nil, 0o644); err != nil {
		return err
	}
	return os.Mkdir("/run/vzshell", 0o755)
}

func (m *Machine) configure(wanted *Configure) (*guest.Guest, error) {
	var address <-chan struct{}
	if err := linkUp("lo"); err != nil {
		return nil, err
	}
	if wanted.Network == "nat" {
		m.modules.LoadNetwork()
		settled, err := network(wanted.Hostname)
		if err != nil {
			return nil, err
		}
		address = settled
	}
	user, err := makeUser(wanted.User)
	if err != nil {
		return nil, err
	}
	g := &guest.Guest{User: user, Env: wanted.Env, Volume: layerVolume}
	if err := m.mountVolume(wanted.Volume, wanted.TmpfsStore); err != nil {
		return nil, err
	}
	if err := layOutVolume(&user); err != nil {
		return nil, err
	}
	m.phase("volume")
	// The order of the mounts is the reverse of the order in which they must go at the end.
	if err := m.mountCache(&user); err != nil {
		return nil, err
	}
	layers, err := m.assembleStore(wanted.Store)
	if err != nil {
		return nil, err
	}
	if err := activate(); err != nil {
		return nil, err
	}
	if err := m.mountShares(wanted.Shares, &user); err != nil {
		return nil, err
	}
	m.watchInodes(wanted.ShareLimit)
	m.phase("shares")
	if err := os.WriteFile(nix.Conf, []byte(wanted.Nix.Conf), 0o644); err != nil {
		return nil, err
	}
	if cache := wanted.Store.Cache; cache != nil {
		if err := cache.listen(); err != nil {
			return nil, err
		}
	}
	daemon := &nix.Daemon{Layers: layers, Builds: buildDir}
	if err := daemon.Listen(); err != nil {
		return nil, err
	}
	m.mutex.Lock()
	m.daemon = daemon
	m.mutex.Unlock()
	m.phase("nix")
	if wanted.Network == "nat" {
		select {
		case <-address:
		case <-time.After(addressPatience):
			journal.Error("network: no address yet after %v; going on without", addressPatience)
		}
		m.phase("network")
	}
	return g, nil
}
