package serve

import (
	"vzagent/events"
	"vzagent/execute"
	"vzagent/fault"
	"vzagent/guest"
	"vzagent/journal"
	"vzagent/protocol"

	"golang.org/x/sys/unix"
)

var plainRoutes = []route{
	{"GET", "/v1/hello", true, hello},
	{"GET", "/v1/log", true, func(*Server, *guest.Guest, []byte) (any, error) { return journal.Text(), nil }},
	{"POST", "/v1/configure", true, configure},
	{"POST", "/v1/time", true, setTime},
	{"POST", shutdownPath, true, func(*Server, *guest.Guest, []byte) (any, error) { return struct{}{}, nil }},
	{"POST", "/v1/store/refresh", false, refreshStore},
	{"POST", "/v1/sync", false, func(s *Server, _ *guest.Guest, _ []byte) (any, error) { return struct{}{}, s.Machine.Sync() }},
	{"POST", "/v1/signal", false, signal},
	{"POST", "/v1/resize", false, resize},
	{"GET", "/v1/ports", false, ports},
	{"GET", "/v1/stats", false, stats},
}

func hello(s *Server, g *guest.Guest, _ []byte) (any, error) {
	var kernel unix.Utsname
	unix.Uname(&kernel)
	return struct {
		Protocol   int    `json:"protocol"`
		Version    string `json:"version"`
		Arch       string `json:"arch"`
		Kernel     string `json:"kernel"`
		UptimeMs   int64  `json:"uptimeMs"`
		Configured bool   `json:"configured"`
	}{protocol.Version, s.Version, s.Arch, unix.ByteSliceToString(kernel.Release[:]), events.Uptime(), g != nil}, nil
}

func configure(s *Server, _ *guest.Guest, body []byte) (any, error) {
	if !s.configuring.CompareAndSwap(false, true) {
		return nil, fault.New(fault.AlreadyConfigured, "this machine is configured already: that happens once per boot")
	}
	g, result, err := s.Machine.Configure(body)
	if err != nil {
		journal.Error("configure: %v", err)
		return nil, err
	}
	s.guest.Store(g)
	return result, nil
}

func setTime(s *Server, _ *guest.Guest, body []byte) (any, error) {
	var request struct {
		UnixMs int64 `json:"unixMs"`
	}
	if err := decode(body, &request); err != nil {
		return nil, err
	}
	if request.UnixMs <= 0 {
		return nil, fault.New(fault.BadRequest, "unixMs %d is not a time after 1970", request.UnixMs)
	}
	drift, adjusted, err := s.Machine.SetTime(request.UnixMs)
	return struct {
		Adjusted bool  `json:"adjusted"`
		DriftMs  int64 `json:"driftMs"`
	}{adjusted, drift}, err
}

func refreshStore(s *Server, _ *guest.Guest, body []byte) (any, error) {
	return struct{}{}, s.Machine.RefreshStore(body)
}

func signal(_ *Server, _ *guest.Guest, body []byte) (any, error) {
	var request struct {
		Pid    int    `json:"pid"`
		Signal string `json:"signal"`
	}
	if err := decode(body, &request); err != nil {
		return nil, err
	}
	return struct{}{}, execute.SignalByPid(request.Pid, request.Signal)
}

func resize(_ *Server, _ *guest.Guest, body []byte) (any, error) {
	var request struct {
		Pid int `json:"pid"`
		execute.Terminal
	}
	if err := decode(body, &request); err != nil {
		return nil, err
	}
	return struct{}{}, execute.ResizeByPid(request.Pid, &request.Terminal)
}
