package main

import (
	"cmp"
	"strings"

	"github.com/quackproxy/quack/routes"
)

// ownVariable is the environment variable with the DSN of Quack's own sessions
// on a database: QUACK_DB_NAME.
func ownVariable(database string) string { return (&routes.Database{Name: database}).Env() }

// lanesVariable is that with the DSN, and so the role, of the application:
// QUACK_LANES_NAME.
func lanesVariable(database string) string {
	return "QUACK_LANES_" + strings.TrimPrefix(ownVariable(database), "QUACK_DB_")
}

// lanesDSN is what the sessions of a database's lanes are opened with. Without a
// DSN of the application they take that of Quack's own sessions, which may
// have other rights.
func lanesDSN(database string, getenv func(string) string) string {
	return cmp.Or(getenv(lanesVariable(database)), getenv(ownVariable(database)))
}
