// Package execute is the operation `exec`: one program, its streams, its end.
package execute

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"vzagent/account"
	"vzagent/fault"
	"vzagent/guest"
)

// highestFile is the highest descriptor that a request may ask for.
const highestFile = 63

// Request is the START frame of an exec.
type Request struct {
	Argv       []string           `json:"argv"`
	Env        map[string]*string `json:"env"`
	ClearEnv   bool               `json:"clearEnv"`
	Cwd        string             `json:"cwd"`
	User       string             `json:"user"`
	Pty        *Terminal          `json:"pty"`
	Stdin      *bool              `json:"stdin"`
	TimeoutMs  int64              `json:"timeoutMs"`
	KillSignal string             `json:"killSignal"`
	Requires   []string           `json:"requires"`
	TempDir    []string           `json:"tempDir"`
	Files      []File             `json:"files"`
}

// Terminal asks for a pty.
type Terminal struct {
	Cols uint16 `json:"cols"`
	Rows uint16 `json:"rows"`
	Term string `json:"term"`
}

// File is content that the program finds as an open descriptor.
type File struct {
	Fd   int    `json:"fd"`
	Data string `json:"data"`
}

// Result is the EXIT frame of an exec.
type Result struct {
	Code     *int    `json:"code"`
	Signal   *string `json:"signal"`
	TimedOut bool    `json:"timedOut"`
}

func (r *Request) check() error {
	if len(r.Argv) == 0 {
		return fault.New(fault.BadRequest, "argv is empty")
	}
	for _, text := range append([]string{r.Cwd}, r.Argv...) {
		if strings.ContainsRune(text, 0) {
			return fault.New(fault.BadRequest, "%q holds a NUL byte, which no program can be given", text)
		}
	}
	for name, value := range r.Env {
		if name == "" || strings.ContainsAny(name, "=\x00") || value != nil && strings.ContainsRune(*value, 0) {
			return fault.New(fault.BadRequest, "the environment variable %q cannot be", name)
		}
	}
	for _, file := range r.Files {
		if file.Fd < 3 || file.Fd > highestFile {
			return fault.New(fault.BadRequest, "descriptor %d is not between 3 and %d", file.Fd, highestFile)
		}
	}
	if r.KillSignal != "" && unix.SignalNum(r.KillSignal) == 0 {
		return fault.New(fault.BadRequest, "there is no signal %q", r.KillSignal)
	}
	return nil
}

func (r *Request) checkRequired() error {
	for _, path := range r.Requires {
		var ignored unix.Stat_t
		if err := unix.Stat(path, &ignored); err != nil {
			return fault.New(fault.RequiredMissing, "%q: %v", path, err)
		}
	}
	return nil
}

func (r *Request) environment(g *guest.Guest, user *account.User) map[string]string {
	env := map[string]string{}
	if !r.ClearEnv {
		env = g.BaseEnvironment(user)
		if r.Pty != nil {
			env["TERM"] = r.Pty.Term
		}
	}
	for name, value := range r.Env {
		if value == nil {
			delete(env, name)
		} else {
			env[name] = *value
		}
	}
	return env
}

// pairs is env as execve wants it; sorted, so that a program sees the same block every time.
func pairs(env map[string]string) []string {
	list := make([]string, 0, len(env))
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list
}
