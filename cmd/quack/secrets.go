package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/quackproxy/quack/routes"
	"github.com/quackproxy/quack/txshadow"
)

// secrets are what comes from the environment, never from a file or a flag.
type secrets struct {
	adminToken string
	own        string // QUACK_SECRET, "" when not set
	shadow     string // QUACK_SHADOW_SECRET or derived from own, "" without either
}

const tokenBytes = 16

// readSecrets reads the secrets through getenv and says what is missing.
func readSecrets(table *routes.Table, getenv func(string) string) (secrets, error) {
	s := secrets{adminToken: getenv("QUACK_ADMIN_TOKEN"), own: getenv("QUACK_SECRET")}
	if len(s.adminToken) < tokenBytes {
		return s, fmt.Errorf("QUACK_ADMIN_TOKEN is not set or shorter than %d characters\n  export QUACK_ADMIN_TOKEN=$(openssl rand -hex 32)", tokenBytes)
	}
	var err error
	s.shadow, err = shadowKeys(table, getenv)
	return s, err
}

// shadowKeys is QUACK_SHADOW_SECRET, or what is derived from QUACK_SECRET; "" is
// an error where a backend has rollback.
func shadowKeys(table *routes.Table, getenv func(string) string) (string, error) {
	if set := getenv("QUACK_SHADOW_SECRET"); set != "" {
		if _, err := txshadow.ParseSecrets(set); err != nil {
			return "", fmt.Errorf("read QUACK_SHADOW_SECRET: %w", err)
		}
		return set, nil
	}
	if own := getenv("QUACK_SECRET"); own != "" {
		derived, err := txshadow.DeriveShadowSecret(own)
		if err != nil {
			return "", fmt.Errorf("derive the shadow secret from QUACK_SECRET: %w", err)
		}
		return derived, nil
	}
	if b := firstWithRollback(table); b != nil {
		return "", fmt.Errorf("backend %q has rollback: %s, and neither QUACK_SHADOW_SECRET nor QUACK_SECRET is set\n"+
			"  export QUACK_SECRET=$(openssl rand -hex 32), and give the backend QUACK_SHADOW_SECRET=$(quack token shadow)", b.Name, b.Rollback)
	}
	return "", nil
}

// firstWithRollback is a backend whose adapter shares the secret.
func firstWithRollback(table *routes.Table) *routes.Backend {
	for _, b := range table.Backends() {
		if b.Rollback == routes.RollbackHeader {
			return b
		}
	}
	return nil
}

type tokenCmd struct {
	Shadow tokenShadowCmd `cmd:"" help:"Print the shadow secret that is derived from QUACK_SECRET, to give to backends as QUACK_SHADOW_SECRET."`
}

type tokenShadowCmd struct{}

func (tokenShadowCmd) Run(s *streams) error {
	return printShadowSecret(s.out, os.Getenv("QUACK_SECRET"))
}

func printShadowSecret(w io.Writer, own string) error {
	if own == "" {
		return coded{exitUsage, errors.New("QUACK_SECRET is not set\n  export QUACK_SECRET=$(openssl rand -hex 32)")}
	}
	derived, err := txshadow.DeriveShadowSecret(own)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, derived)
	return err
}
