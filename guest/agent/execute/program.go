package execute

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"vzagent/account"
	"vzagent/fault"
	"vzagent/process"
)

// defaultPath is searched when the environment has no PATH, as execvp does.
const defaultPath = "/usr/local/bin:/usr/bin:/bin"

// launch starts argv[0] as a shell would find it. No file is asked for before the kernel was: the reasons of a failure are
// looked for only when there is one.
func launch(argv []string, path string, user *account.User, attr *syscall.ProcAttr) (*process.Child, error) {
	candidates := []string{argv[0]}
	if !strings.Contains(argv[0], "/") {
		candidates = search(argv[0], path, attr.Dir)
	}
	refused := ""
	for _, candidate := range candidates {
		child, err := process.Start(candidate, argv, attr)
		switch err {
		case nil:
			return child, nil
		case unix.EACCES:
			refused = candidate // a later directory of PATH may hold one that the user can run
		case unix.ENOENT, unix.ENOTDIR:
		default:
			return nil, explain(err, candidate, user, attr)
		}
	}
	if err := checkCwd(attr.Dir, user); err != nil {
		return nil, err
	}
	switch {
	case refused != "":
		return nil, fault.New(fault.NotExecutable, "%q is not executable by user %q", refused, user.Name)
	case len(candidates) > 0:
		return nil, explain(unix.ENOENT, candidates[0], user, attr)
	}
	// Not PATH itself: a dev shell's is a page of store paths.
	return nil, fault.New(fault.NotFound, "command %q was not found in any of the %d directories of PATH", argv[0], strings.Count(path, ":")+1)
}

// search lists the files that PATH has for name, those first that somebody may execute.
func search(name, path, cwd string) []string {
	if name == "" {
		return nil
	}
	if path == "" {
		path = defaultPath
	}
	var executable, other []string
	for dir := range strings.SplitSeq(path, ":") {
		candidate := filepath.Join(dir, name)
		if !filepath.IsAbs(candidate) {
			candidate = filepath.Join(cwd, candidate)
		}
		info, err := os.Stat(candidate)
		switch {
		case err != nil || info.IsDir():
		case info.Mode()&0o111 != 0:
			executable = append(executable, candidate)
		default:
			other = append(other, candidate)
		}
	}
	return append(executable, other...)
}

func explain(err error, program string, user *account.User, attr *syscall.ProcAttr) error {
	if cwdErr := checkCwd(attr.Dir, user); cwdErr != nil {
		return cwdErr
	}
	file := program
	if !filepath.IsAbs(file) {
		file = filepath.Join(attr.Dir, file)
	}
	switch err {
	case unix.E2BIG:
		return fault.New(fault.TooBig, "the arguments and environment of %q are longer than the kernel takes", program)
	case unix.ENOENT, unix.ENOTDIR:
		if _, missing := os.Stat(file); missing != nil {
			return fault.New(fault.NotFound, "command %q was not found", program)
		}
		return fault.New(fault.NotExecutable, "%q cannot run: its interpreter is missing", program)
	case unix.ENOEXEC:
		return fault.New(fault.NotExecutable, "%q cannot run: it is neither a program of this architecture nor does it begin with #!", program)
	case unix.EPERM:
		if attr.Sys.Credential != nil {
			return fault.New(fault.BadUser, "cannot run %q as user %q: %v", program, user.Name, err)
		}
		return fault.New(fault.NotExecutable, "%q cannot run: %v", program, err)
	case unix.EISDIR, unix.ELIBBAD, unix.EINVAL, unix.ETXTBSY, unix.ELOOP, unix.ENAMETOOLONG:
		return fault.New(fault.NotExecutable, "%q cannot run: %v", program, err)
	}
	return fault.New(fault.Internal, "cannot start %q: %v", program, err)
}

// checkCwd tells whether the user may be in dir.
func checkCwd(dir string, user *account.User) error {
	return user.WithFiles(func() error {
		info, err := os.Stat(dir)
		if err == nil && !info.IsDir() {
			err = unix.ENOTDIR
		}
		if err == nil {
			err = unix.Faccessat2(unix.AT_FDCWD, dir, unix.X_OK, unix.AT_EACCESS)
		}
		if err != nil {
			return fault.New(fault.BadCwd, "cannot work in %q: %v", dir, bare(err))
		}
		return nil
	})
}

// bare is the errno inside err, whose other words repeat the path.
func bare(err error) error {
	if wrapped, ok := err.(*os.PathError); ok {
		return wrapped.Err
	}
	return err
}
