// Command quack is a reverse proxy for taking a service out of a monolith
// without anyone noticing. See README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // the verb did not succeed, or a report is above its limit
	exitUsage  = 2 // wrong words, or a routes.yaml with errors
)

func main() {
	ctx, stop := untilStopped()
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// sameStop is how long after the first signal another one is still that one: a
// terminal, timeout(1) and many supervisors signal the process and its group.
const sameStop = time.Second

// untilStopped is a context that ends with the first SIGINT or SIGTERM. One
// that comes later than sameStop after it ends the process at once.
func untilStopped() (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	stops := make(chan os.Signal, 2)
	signal.Notify(stops, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if _, open := <-stops; !open {
			return
		}
		cancel()
		for first := time.Now(); ; {
			if _, open := <-stops; !open {
				return
			}
			if time.Since(first) < sameStop {
				continue
			}
			fmt.Fprintln(os.Stderr, "quack: told to stop a second time: ended at once, requests under way were cut off")
			os.Exit(exitFailed)
		}
	}()
	return ctx, func() {
		signal.Stop(stops)
		close(stops)
		<-done
		cancel()
	}
}

// run parses args and runs the verb; what it returns is the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c cli
	exited, code := false, exitOK
	parser, err := kong.New(&c,
		kong.Name("quack"),
		kong.Description("A reverse proxy for taking a service out of a monolith without anyone noticing."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(n int) { exited, code = true, n }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Vars{"version": version()},
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(&streams{out: stdout, err: stderr}),
	)
	if err != nil {
		fmt.Fprintln(stderr, "quack:", err)
		return exitUsage
	}
	verb, err := parser.Parse(unlisted(args))
	if exited {
		return code
	}
	if err != nil {
		fmt.Fprintf(stderr, "quack: %v\n  see 'quack --help'\n", err)
		return exitUsage
	}
	if err := verb.Run(); err != nil {
		return fail(stderr, err)
	}
	return exitOK
}

// streams are where a verb writes.
type streams struct{ out, err io.Writer }

// coded is an error with an exit code of its own. With an empty text it is
// not printed: the verb has said what there is to say.
type coded struct {
	code int
	err  error
}

func (c coded) Error() string { return c.err.Error() }
func (c coded) Unwrap() error { return c.err }

func fail(stderr io.Writer, err error) int {
	var c coded
	code := exitFailed
	if errors.As(err, &c) {
		code = c.code
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(stderr, "quack:", nextStepsIndented(text))
	}
	return code
}

// nextStepsIndented is the text of an error with what follows its first line
// indented, whether the package that it comes from has done so or not.
func nextStepsIndented(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines[1:] {
		if line != "" && line[0] != ' ' && line[0] != '\t' {
			lines[i+1] = "  " + line
		}
	}
	return strings.Join(lines, "\n")
}
