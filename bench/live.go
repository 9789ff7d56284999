package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// request is a GET as a client behind a load balancer sends it.
func request(size string) [][]byte {
	return [][]byte{fmt.Appendf(nil, "GET /orders/%s/17?full=1 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: bench\r\nAccept: application/json\r\n\r\n", size)}
}

// live measures the path of a request without a shadow: all contenders, closed
// loop, as much as two cores give.
func (s *settings) live(ctx context.Context) (outcome, error) {
	o := outcome{}
	side, addr, err := startSelf(s.dir, "backend", answering{Side: "legacy"}.args()...)
	if err != nil {
		return o, err
	}
	defer side.stop()
	contenders, err := s.liveContenders(ctx)
	if err != nil {
		return o, err
	}
	proxies, missing, err := s.runAll(ctx, contenders, backends{live: addr})
	defer stopAll(proxies)
	if err != nil {
		return o, err
	}
	sizes := []string{"small", "large"}
	if s.short {
		sizes = sizes[:1]
	}
	for _, size := range sizes {
		title := "live path, " + kib(lengths[size])
		spec := loadSpec{Connections: s.connections, Requests: request(size), Length: lengths[size]}
		all, err := s.takeTurns(ctx, title, proxies, spec)
		if err != nil {
			return o, err
		}
		t, err := turnsTable(title+" answers, closed loop", all, proxies)
		if err != nil {
			return o, err
		}
		o.add(all, t.note(missing...))
		if size == "small" {
			o.Budgets = liveBudgets(all)
			if s.profile != "" {
				note, err := s.takeProfile(ctx, proxies[0], spec)
				if err != nil {
					return o, err
				}
				t.note(note)
			}
		}
	}
	return o, nil
}

func (s *settings) liveContenders(ctx context.Context) ([]contender, error) {
	own, err := s.quacks(ctx, "legacy")
	if s.short {
		return append(own, nginx, reverseProxy), err
	}
	return append(own, nginx, nginxOne, haproxy, caddy, reverseProxy, direct), err
}

// quacks are Quack with its routes at a stage, and the same with --front std
// where it has another front.
func (s *settings) quacks(ctx context.Context, stage string) ([]contender, error) {
	o := quackOptions{program: s.program, routes: routesAt(stage)}
	list := []contender{quackNamed(quackItself, o)}
	fronts, err := hasFlag(ctx, s.program, "--front")
	if fronts {
		o.flags = []string{"--front", "std"}
		list = append(list, quackNamed("quack, std front", o))
	}
	return list, err
}

// runAll starts contenders. Those whose program is missing are left out, each
// with a note.
func (s *settings) runAll(ctx context.Context, contenders []contender, to backends) (proxies []*proxy, missing []string, err error) {
	for _, c := range contenders {
		p, err := c.run(ctx, s.dir, to)
		switch {
		case errors.Is(err, errMissing):
			missing = append(missing, c.name+" is not installed and took no part: run scripts/setup-bench")
		case err != nil:
			return proxies, missing, err
		default:
			proxies = append(proxies, p)
		}
	}
	return proxies, missing, nil
}

func stopAll(proxies []*proxy) {
	for _, p := range proxies {
		p.stop()
	}
}

// liveBudgets are the ratios of DESIGN 7 for the live path.
func liveBudgets(all turns) []budget {
	const what = "live path, CPU per request: quack / "
	return []budget{
		all.within(what, quackItself, "nginx", cpuEach, 1.5),
		all.within(what, quackItself, "Caddy", cpuEach, 0.6),
		all.within(what, quackItself, "ReverseProxy", cpuEach, 0.6),
	}
}

// takeProfile takes a CPU profile of Quack in a turn that does not count.
func (s *settings) takeProfile(ctx context.Context, p *proxy, spec loadSpec) (string, error) {
	seconds := max(int(s.duration.Seconds()), 1)
	spec.Addr, spec.Duration = p.addr, s.duration+time.Second
	loaded := make(chan error, 1)
	go func() {
		_, err := load(ctx, spec)
		loaded <- err
	}()
	profile, err := p.quack.get(ctx, fmt.Sprintf("/debug/pprof/profile?seconds=%d", seconds))
	if e := <-loaded; e != nil {
		return "", e
	}
	if err != nil {
		return fmt.Sprintf("no profile: %v", err), nil
	}
	if err := os.WriteFile(s.profile, profile, 0o644); err != nil {
		return "", err
	}
	return fmt.Sprintf("CPU profile of quack in %s (go tool pprof %s)", s.profile, s.profile), nil
}

func kib(n int) string { return fmt.Sprintf("%d KiB", n>>10) }
