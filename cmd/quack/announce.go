package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/quackproxy/quack/internal/lifecycle"
	"github.com/quackproxy/quack/internal/systemd"
)

// announce says that the process serves, to all who have to know, and that it
// stops. It is started last and so stopped first.
func (p *process) announce(ctx context.Context) error {
	if err := writePID(p.pidFile); err != nil {
		return err
	}
	p.log.Info("serving", "listen", p.bound.live.Addr().String(), "admin", p.bound.admin.Addr().String(), "routes", p.file)
	if p.before != nil {
		p.before.Serving() // and it names this process to the service manager
	} else {
		p.tell(systemd.Ready)
	}
	<-ctx.Done()
	if !p.handedOver.Load() {
		p.tell(systemd.Stopping)
		removePID(p.pidFile)
	}
	return nil
}

func (p *process) tell(states ...string) {
	if err := systemd.Notify(states...); err != nil {
		p.log.Warn("the service manager was not told", "error", err)
	}
}

// ownParts are run by one process at a time: they stop at once when another
// has taken over, whatever is still to be finished by the rest.
type ownParts struct{ handed context.Context }

func (o ownParts) part(name string, run func(context.Context) error) lifecycle.Part {
	return lifecycle.Part{Name: name, Run: func(ctx context.Context) error {
		own, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(o.handed, cancel)()
		err := run(own)
		if err == nil && o.handed.Err() != nil {
			<-ctx.Done()
		}
		return err
	}}
}

// writePID writes this process's id into a file that is whole at any moment. An
// empty path is no file.
func writePID(path string) error {
	if path == "" {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err == nil {
		_, err = f.WriteString(strconv.Itoa(os.Getpid()) + "\n")
		err = errors.Join(err, f.Chmod(0o644), f.Close())
		if err == nil {
			err = os.Rename(f.Name(), path)
		}
		if err != nil {
			os.Remove(f.Name())
		}
	}
	if err != nil {
		return fmt.Errorf("write the pid file %q: %w\n  name a file in a folder that this user may write with --pid-file", path, err)
	}
	return nil
}

// removePID removes the file if it still names this process.
func removePID(path string) {
	b, err := os.ReadFile(path)
	if err == nil && strings.TrimSpace(string(b)) == strconv.Itoa(os.Getpid()) {
		os.Remove(path)
	}
}
