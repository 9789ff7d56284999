// Command bench measures Quack side by side with other proxies in one run:
// nginx, nginx with mirror, HAProxy, Caddy and the standard library's
// ReverseProxy, before the same backend, with the same load.
//
// What it measures is a list of parts (live, shadow, p99, memory, reload, pgwire, go);
// each is a file here, and begins with a type that is its outcome. Contenders
// take turns, round by round, and a ratio is the median of the rounds' ratios:
// that holds on a noisy machine, where a single figure does not. The measure is
// the CPU time of a proxy's own processes for each request, because client,
// backend and proxy share the cores. Budgets are those of the project's design;
// one that is not met is reported and is no failure. See README.md.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

// roles are what this program is when it starts itself as another process.
var roles = map[string]func(ctx context.Context, args []string, in io.Reader, out io.Writer) error{
	"backend":      runBackend,
	"load":         runLoad,
	"reverseproxy": runReverseProxy,
}

// Children die with the thread that started them (see startChild): the main
// goroutine stays on the main thread.
func init() { runtime.LockOSThread() }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, in io.Reader, out, progress io.Writer) error {
	if len(args) > 0 {
		if role, ok := roles[args[0]]; ok {
			return role(ctx, args[1:], in, out)
		}
	}
	s, err := parseSettings(args, progress)
	if err != nil || s == nil {
		return err
	}
	return s.bench(ctx, out, progress)
}
