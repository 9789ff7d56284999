package main

import (
	"testing"

	"github.com/quackproxy/quack/adapters/conformance"
)

func TestMain(m *testing.M) { conformance.Main(m, main) }

func TestConformanceWithLibPQ(t *testing.T) { conform(t, "pq") }

func TestConformanceWithPGX(t *testing.T) { conform(t, "pgx") }

func conform(t *testing.T, driver string) {
	app := conformance.Itself(t, "sqlshadow", "APP_DRIVER="+driver)
	app.NoNotices = true
	conformance.Run(t, app)
}
