package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/quackproxy/quack/internal/linelog"
	"github.com/quackproxy/quack/internal/redact"
	"github.com/quackproxy/quack/proxy"
)

// accessFlags say which requests are written down, and where to.
type accessFlags struct {
	AccessLog    string        `default:"off" env:"QUACK_ACCESS_LOG" help:"Where to write a line for each request: off, stderr or a file, which is opened anew on SIGHUP (off)." placeholder:"FILE"`
	AccessSample share         `name:"access-log-sample" default:"100%" env:"QUACK_ACCESS_LOG_SAMPLE" help:"Share of the requests in the access log, as in 10%; those with an error of 500 and above and slow ones are always in it (100%)." placeholder:"SHARE"`
	AccessSlow   time.Duration `name:"access-log-slow" default:"1s" env:"QUACK_ACCESS_LOG_SLOW" help:"What is slow to the access log; 0 is nothing."`
}

func (f *accessFlags) validate() error {
	if f.AccessLog == "" {
		return fmt.Errorf("--access-log is empty; it is off, stderr or the name of a file")
	}
	if f.AccessSlow < 0 {
		return fmt.Errorf("--access-log-slow %s is below zero", f.AccessSlow)
	}
	return nil
}

// share is a flag such as 10% or 0.1.
type share float64

// UnmarshalText reads a share.
func (s *share) UnmarshalText(text []byte) error {
	number, percent := strings.CutSuffix(strings.TrimSpace(string(text)), "%")
	n, err := strconv.ParseFloat(number, 64)
	if percent {
		n /= 100
	}
	if err != nil || !(n >= 0 && n <= 1) {
		return fmt.Errorf("%q is not a share; it is written as in 10%% or 0.1", text)
	}
	*s = share(n)
	return nil
}

// accessLog is the access log of a process: what the live path is given, and
// the way to the file.
type accessLog struct {
	proxy.AccessLog
	lines *linelog.Log
}

// open opens the access log; nil when it is off.
func (f *accessFlags) open(format string, redactor *redact.Redactor, stderr io.Writer, log *slog.Logger) (*accessLog, error) {
	a := &accessLog{AccessLog: proxy.AccessLog{Share: float64(f.AccessSample), Slow: f.AccessSlow, Redact: redactor}}
	switch f.AccessLog {
	case "off":
		return nil, nil
	case "stderr":
		a.lines = linelog.To("stderr", stderr, log)
	default:
		var err error
		if a.lines, err = linelog.New(f.AccessLog, log); err != nil {
			return nil, fmt.Errorf("open the access log: %w\n  name a file in a folder that is there with --access-log, or leave it off", err)
		}
	}
	a.Handler = slog.NewTextHandler(a.lines, nil)
	if format == "json" {
		a.Handler = slog.NewJSONHandler(a.lines, nil)
	}
	return a, nil
}

// run writes until ctx ends, and opens the file anew on SIGHUP.
func (a *accessLog) run(ctx context.Context) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-hup:
				a.lines.Reopen()
			case <-ctx.Done():
				return
			}
		}
	}()
	defer func() { <-ended }()
	return a.lines.Run(ctx)
}
