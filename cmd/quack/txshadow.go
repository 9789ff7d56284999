package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"

	"github.com/quackproxy/quack/txshadow"
)

type txshadowCmd struct {
	Install   installCmd   `cmd:"" help:"Print, or with --apply run, the statements that make the fuse."`
	Uninstall uninstallCmd `cmd:"" help:"Print, or with --apply run, the statements that remove it."`
}

// target says which database, and whether to change it.
type target struct {
	Database string `help:"Name in databases: of routes.yaml; its DSN is read from QUACK_DB_NAME." placeholder:"NAME"`
	Apply    bool   `help:"Run the statements instead of printing them."`
}

type installCmd struct {
	target
	Role []string `help:"Roles of the application; without one every role may arm the fuse." placeholder:"ROLE"`
}

func (c *installCmd) Run(ctx context.Context, s *streams) error {
	return c.run(ctx, s, txshadow.InstallSQL(c.Role...))
}

type uninstallCmd struct{ target }

func (c *uninstallCmd) Run(ctx context.Context, s *streams) error {
	return c.run(ctx, s, txshadow.UninstallSQL())
}

func (t target) run(ctx context.Context, s *streams, sql string) error {
	if !t.Apply {
		_, err := fmt.Fprint(s.out, sql)
		return err
	}
	if t.Database == "" {
		return coded{exitUsage, errors.New("--apply needs a database\n  say --database NAME, and put its DSN in QUACK_DB_NAME: for --database shop in QUACK_DB_SHOP")}
	}
	variable := ownVariable(t.Database)
	dsn := os.Getenv(variable)
	if dsn == "" {
		return coded{exitUsage, fmt.Errorf("%s is not set\n  put the DSN of the database %q in it", variable, t.Database)}
	}
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("connect to the database of %s: %w\n  look at the address, role and password in it: is the database there?", variable, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("apply to the database of %s: %w\n  the statements need a role that may create a schema; print them without --apply", variable, err)
	}
	fmt.Fprintln(s.out, "done")
	return nil
}
