package main

import (
	"fmt"
	"os"
	"os/user"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/quackproxy/quack/admin"
)

// cli are the verbs.
type cli struct {
	Demo  demoCmd  `cmd:"" help:"Start a small monolith and a new service that differ in known ways, the proxy before them, and real traffic."`
	Serve serveCmd `cmd:"" help:"Run the proxy."`

	Check   checkCmd   `cmd:"" help:"Validate a routes.yaml and print the resolved tree."`
	Doctor  doctorCmd  `cmd:"" help:"Ask backends and databases what shadow writes need, and print the statements that would put it right."`
	Explain explainCmd `cmd:"" help:"Say which route, rules and settings a request would meet."`

	Routes    routesCmd    `cmd:"" help:"Show the routes of a running proxy and their stages."`
	Stage     stageCmd     `cmd:"" help:"Set a route's stage live."`
	Reset     resetCmd     `cmd:"" help:"Let a route's writes be shadowed again after a suspected leak."`
	Report    reportCmd    `cmd:"" help:"Print the verdict on each route and the differences."`
	Coverage  coverageCmd  `cmd:"" help:"Say which live requests no comparison has seen yet."`
	Know      knowCmd      `cmd:"" help:"Say that a difference is known and all right, so that it keeps no route from being ready."`
	Watch     watchCmd     `cmd:"" help:"Show what the routes do as it happens: a live view in a terminal, else a line for each change."`
	Diff      diffCmd      `cmd:"" help:"Print one comparison side by side, with a curl command for each side."`
	Export    exportCmd    `cmd:"" help:"Write what a comparison asked for other tools: curl, http, hurl, har or go."`
	Mark      markCmd      `cmd:"" help:"Give this moment a name, such as v1.4, to count from it and to compare runs."`
	Marks     marksCmd     `cmd:"" help:"List the marks."`
	Calibrate calibrateCmd `cmd:"" help:"Send safe requests of a route to legacy twice, and show how much it differs from itself."`
	Rules     rulesCmd     `cmd:"" help:"Say which rules there are, what they do, and which the evidence supports."`
	Readonly  readonlyCmd  `cmd:"" help:"Hold writes back, let them through again, or say which."`
	Audit     auditCmd     `cmd:"" help:"Show who changed what, when and why."`
	Status    statusCmd    `cmd:"" help:"Show the state of a running proxy."`
	Login     loginCmd     `cmd:"" help:"Print a one-time link that logs a browser in."`

	Token    tokenCmd    `cmd:"" help:"Print a secret derived from QUACK_SECRET."`
	Txshadow txshadowCmd `cmd:"" name:"txshadow" help:"Prepare a database for rolled-back shadow writes."`
	Pgwire   pgwireCmd   `cmd:"" name:"pgwire" help:"Run the Postgres wire proxy alone."`

	Completion completionCmd `cmd:"" help:"Print a script with which a shell completes what you type: bash, zsh or fish."`
	Complete   completeCmd   `cmd:"" hidden:""`

	Version kong.VersionFlag `help:"Print the version."`

	HelpVerb    helpCmd    `cmd:"" name:"help" hidden:""`
	VersionVerb versionCmd `cmd:"" name:"version" hidden:""`
}

// helpCmd is --help for those who type it as a verb.
type helpCmd struct {
	Verb []string `arg:"" optional:""`
}

func (c *helpCmd) Run(k *kong.Context) error {
	trace, err := kong.Trace(k.Kong, c.Verb)
	if err == nil {
		err = trace.Error
	}
	if err != nil {
		return coded{exitUsage, fmt.Errorf("%w\n  see 'quack --help'", err)}
	}
	return trace.PrintUsage(false)
}

// versionCmd is --version for those who type it as a verb.
type versionCmd struct{}

func (versionCmd) Run(s *streams) error {
	_, err := fmt.Fprintln(s.out, version())
	return err
}

// client are the flags of verbs that talk to a running proxy.
type client struct {
	Admin address `help:"Address of the proxy's admin listener (127.0.0.1:7070)." default:"127.0.0.1:7070" env:"QUACK_ADMIN" placeholder:"HOST:PORT"`
}

// address is a flag such as 127.0.0.1:7070; the URL of the pages will do.
type address string

// UnmarshalText reads an address.
func (a *address) UnmarshalText(text []byte) error {
	plain := strings.TrimSuffix(strings.TrimPrefix(string(text), "http://"), "/")
	if strings.Contains(plain, "/") {
		return fmt.Errorf("%q is not an address\n  write HOST:PORT, as in 127.0.0.1:7070", text)
	}
	*a = address(plain)
	return nil
}

// connect makes the client; the token comes from the environment only, so
// that it does not show in a list of processes.
func (c client) connect() *admin.Client {
	return &admin.Client{Base: "http://" + string(c.Admin), Token: os.Getenv("QUACK_ADMIN_TOKEN"), By: whoami()}
}

// whoami is who stands in the audit for a change made from this machine.
func whoami() string {
	u, err := user.Current()
	if err != nil {
		return "cli"
	}
	host, err := os.Hostname()
	if err != nil {
		return u.Username
	}
	return u.Username + "@" + host
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "quack (devel)"
	}
	return "quack " + info.Main.Version
}
