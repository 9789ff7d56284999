package main

import (
	"context"

	"github.com/quackproxy/quack/demo"
)

type demoCmd struct {
	Once   bool   `help:"Print the report, check it against what was planted, and exit."`
	Listen string `default:"127.0.0.1:8080" env:"QUACK_LISTEN" help:"Address of the proxy (127.0.0.1:8080); another free one is taken when it is in use." placeholder:"ADDR"`
	Admin  string `default:"127.0.0.1:7070" env:"QUACK_ADMIN" help:"Address of the admin pages (127.0.0.1:7070); another free one is taken when it is in use." placeholder:"ADDR"`
}

func (c *demoCmd) Run(ctx context.Context, s *streams) error {
	return demo.Run(ctx, demo.Options{Once: c.Once, Listen: c.Listen, Admin: c.Admin, Out: s.out, Log: s.err})
}
