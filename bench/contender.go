package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// contender is a proxy that takes part.
type contender struct {
	name    string
	program string // what has to be installed; "" for our own
	start   func(dir string, to backends) (*proxy, error)
}

// backends are the addresses of the two sides; shadow is "" where nobody is
// shadowed.
type backends struct{ live, shadow string }

// proxy is a contender that runs. process is nil for none at all: addr is the
// backend's then.
type proxy struct {
	name    string
	addr    string
	process *child
	quack   *quack // what only Quack has; nil for the others
}

// errMissing says that a contender's program is not installed.
var errMissing = errors.New("not installed")

// run starts c with a folder of its own below dir, and waits until it serves.
func (c contender) run(ctx context.Context, dir string, to backends) (*proxy, error) {
	if c.program != "" {
		if _, err := exec.LookPath(c.program); err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, errMissing)
		}
	}
	own, err := os.MkdirTemp(dir, "proxy-")
	if err != nil {
		return nil, err
	}
	p, err := c.start(own, to)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	p.name = c.name
	if p.process == nil {
		return p, nil
	}
	if err := p.process.ready(ctx, p.addr, "/orders/small/1", small); err != nil {
		p.stop()
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	return p, nil
}

func (p *proxy) stop() {
	if p.process != nil {
		p.process.stop()
	}
}

// shadows reports whether the proxy has a shadow's work to do that it counts.
func (p *proxy) shadows() bool { return p.quack != nil && p.quack.shadow }

// cpu is the CPU time that the proxy's processes have used.
func (p *proxy) cpu() (time.Duration, error) {
	if p.process == nil {
		return 0, nil
	}
	return cpuOf(p.process.cmd.Process.Pid)
}

func (p *proxy) memory() (memory, error) {
	if p.process == nil {
		return memory{}, nil
	}
	return memoryOf(p.process.cmd.Process.Pid)
}

// direct is the backend without a proxy: what client and backend can do.
var direct = contender{name: "direct", start: func(_ string, to backends) (*proxy, error) {
	return &proxy{addr: to.live}, nil
}}

var reverseProxy = contender{name: "ReverseProxy", start: func(dir string, to backends) (*proxy, error) {
	c, addr, err := startSelf(dir, "reverseproxy", "reverseproxy", "-to", to.live)
	return &proxy{addr: addr, process: c}, err
}}

// withConfig is a contender that is started with a file written for it. text
// gets the address to listen on.
func withConfig(name, program, file string, args func(file string) []string, text func(dir, listen string, to backends) string) contender {
	return contender{name: name, program: program, start: func(dir string, to backends) (*proxy, error) {
		addr, err := freePort()
		if err != nil {
			return nil, err
		}
		file := filepath.Join(dir, file)
		if err := os.WriteFile(file, []byte(text(dir, addr, to)), 0o644); err != nil {
			return nil, err
		}
		env := []string{"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir}
		c, err := start(dir, program, env, program, args(file)...)
		return &proxy{addr: addr, process: c}, err
	}}
}
