package node

import (
	"testing"

	"github.com/quackproxy/quack/adapters/conformance"
)

// TestConformance holds the adapter to what every adapter promises.
func TestConformance(t *testing.T) {
	install(t)
	conformance.Run(t, app)
}

func TestCost(t *testing.T) {
	install(t)
	conformance.MeasureCost(t, app)
}

var app = conformance.App{
	Name:    "node",
	Command: []string{"node", "testapp/server.js"},
	Has:     []conformance.Effect{conformance.Mail, conformance.Job, conformance.Callback, conformance.HTTP},
	// Drivers and ORMs of Node send transactions as SQL text.
	MapsVerbs: true,
}
