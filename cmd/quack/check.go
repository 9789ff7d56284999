package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/quackproxy/quack/routes"
)

type checkCmd struct {
	File string `arg:"" optional:"" default:"routes.yaml" env:"QUACK_ROUTES" help:"The file to validate (routes.yaml)."`
}

func (c *checkCmd) Run(s *streams) error {
	table, err := loadTable(c.File)
	if err != nil {
		return err
	}
	for _, w := range table.Warnings() {
		fmt.Fprintln(s.err, "warning:", w)
	}
	for _, w := range unwatched(table) {
		fmt.Fprintln(s.err, "warning:", w)
	}
	return table.WriteTree(s.out)
}

// loadTable loads a routes.yaml; its errors exit with exitUsage.
func loadTable(file string) (*routes.Table, error) {
	table, err := routes.Load(file)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w\n  name the file with --routes FILE or QUACK_ROUTES", err)
	}
	if err != nil {
		return nil, coded{exitUsage, err}
	}
	return table, nil
}

type explainCmd struct {
	Method string `arg:"" help:"Request method, as in GET."`
	Target string `arg:"" help:"Path and query, as in /accounts/7?full=1."`
	Routes string `default:"routes.yaml" env:"QUACK_ROUTES" help:"The file to read (routes.yaml). Stages that were set live are shown by quack routes." placeholder:"FILE"`
}

func (c *explainCmd) Run(s *streams) error {
	table, err := loadTable(c.Routes)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(c.Target, "/") && c.Target != "*" {
		return coded{exitUsage, fmt.Errorf("%q is not a path\n  it begins with a slash: quack explain %s /%s", c.Target, c.Method, c.Target)}
	}
	if upper := strings.ToUpper(c.Method); upper != c.Method {
		fmt.Fprintf(s.err, "methods are told apart by capitals: %s is not %s\n", c.Method, upper)
	}
	_, err = table.Explain(c.Method, c.Target).WriteTo(s.out)
	return err
}
