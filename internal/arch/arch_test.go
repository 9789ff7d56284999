// Package arch holds the direction of imports as a table. A new arrow is a
// visible change here.
package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/quackproxy/quack"

// arrows lists, for each package, what it may import of ours. Packages of
// internal/ may be imported by anyone and import nothing of ours but each
// other. cmd/quack may import everything, and nothing imports it.
var arrows = map[string][]string{
	"adapters/node":           {}, // tests of a package in JavaScript
	"bench":                   {}, // it drives the built binary, as it does the other proxies
	"demo":                    {"txshadow", "demo/shop", "demo/accounts"},
	"demo/shop":               {"txshadow"},
	"demo/accounts":           {"txshadow"},
	"admin":                   {"control", "routes", "reports", "reports/export", "reports/render", "compare", "readonly", "cache"},
	"control":                 {"routes", "reports", "readonly", "store"},
	"proxy":                   {"shadow", "routes", "readonly", "cache", "upstream", "compare"},
	"shadow":                  {"routes", "upstream", "compare", "reports"},
	"routes":                  {"compare", "cache"},
	"reports":                 {"compare", "store"},
	"reports/export":          {"reports", "compare"},
	"reports/render":          {"reports", "reports/export", "compare"},
	"reports/internal/sample": {"reports", "compare"}, // of tests
	"readonly":                {"store"},
	"front":                   {},
	"compare": {
		"compare/internal/align", "compare/internal/bytewise", "compare/internal/decimal", "compare/internal/jsontext", "compare/internal/stamp",
	},
	"adapters/conformance":        {"txshadow"},
	"adapters/goapp":              {"txshadow", "adapters/internal/shop"},
	"adapters/sqlapp":             {"txshadow/sqlshadow", "adapters/internal/shop"},
	"adapters/internal/shop":      {"txshadow"},
	"adapters/django":             {}, // tests of what is written in Python
	"adapters/rails":              {}, // its tests alone are Go
	"compare/internal/align":      {"compare/internal/bytewise"},
	"compare/internal/bytewise":   {},
	"compare/internal/decimal":    {"compare/internal/bytewise", "compare/internal/jsontext"},
	"compare/internal/jsontext":   {"compare/internal/bytewise"},
	"compare/internal/stamp":      {"compare/internal/bytewise"},
	"cache":                       {},
	"txshadow":                    {"txshadow/internal/catalog", "txshadow/internal/connect", "txshadow/internal/ledger", "txshadow/internal/reasons", "txshadow/internal/spare", "txshadow/internal/sqltext", "txshadow/internal/turn"},
	"txshadow/sqlshadow":          {"txshadow", "txshadow/internal/catalog", "txshadow/internal/ledger", "txshadow/internal/mariatext", "txshadow/internal/spare", "txshadow/internal/sqltext", "txshadow/internal/turn"},
	"txshadow/internal/catalog":   {"txshadow/internal/ledger"},
	"txshadow/internal/harness":   {"txshadow"}, // of tests
	"txshadow/internal/connect":   {},
	"txshadow/internal/ledger":    {},
	"txshadow/internal/mariatext": {"txshadow/internal/sqltext"},
	"txshadow/internal/reasons":   {},
	"txshadow/internal/spare":     {},
	"txshadow/internal/sqltext":   {},
	"txshadow/internal/turn":      {},
	"txshadow/pgwire":             {"txshadow", "txshadow/internal/catalog", "txshadow/internal/ledger", "txshadow/internal/reasons", "txshadow/internal/sqltext"},
	"txshadow/writeset":           {"txshadow", "txshadow/internal/connect"},
	"txshadow/doctor":             {"txshadow", "txshadow/internal/connect"},
	"txshadow/watchdog":           {"txshadow", "txshadow/internal/catalog", "txshadow/internal/connect"},
	"soak":                        {"txshadow", "reports", "compare", "store"}, // the last three for its part in which evidence is recorded
	"upstream":                    {},
	"store":                       {},
}

// only lists modules and standard packages that few may touch, and who.
var only = map[string][]string{
	"modernc.org/sqlite":                                      {"store"},
	"github.com/jackc/pgx/v5/pgproto3":                        {"txshadow/pgwire", "txshadow/writeset"},
	"github.com/google/go-cmp/cmp":                            {"adapters/conformance", "internal/golden"}, // which run in tests alone
	"testing":                                                 {"internal/chromium", "internal/golden", "internal/postgres/pgtest", "adapters/conformance", "txshadow/internal/harness"},
	"github.com/jackc/pglogrepl":                              {"txshadow/writeset"},
	"github.com/goccy/go-yaml":                                {"routes", "admin"},
	"github.com/alecthomas/kong":                              {"cmd/quack"},
	"github.com/pires/go-proxyproto":                          {"front"},
	"github.com/prometheus/client_golang/prometheus/promhttp": {"admin"},
	"net/http/pprof":                                          {"admin"}, // registers itself with http.DefaultServeMux, which nothing serves
	// The data path knows the API of traces alone.
	"go.opentelemetry.io/otel/sdk/trace":                                {"internal/telemetry"},
	"go.opentelemetry.io/otel/sdk/metric":                               {"internal/telemetry", "admin"},
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp":   {"internal/telemetry"},
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp": {"internal/telemetry"},
}

type listed struct {
	ImportPath string
	Imports    []string
}

func TestArrows(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		if name == "cmd/quack" {
			continue
		}
		allowed, known := arrows[name]
		if !known && !strings.HasPrefix(name, "internal/") {
			t.Errorf("package %s has no row in the table of arrows", name)
			continue
		}
		for _, imp := range p.Imports {
			ours, isOurs := strings.CutPrefix(imp, module+"/")
			if !isOurs || strings.HasPrefix(ours, "internal/") || slices.Contains(allowed, ours) {
				continue
			}
			t.Errorf("%s imports %s, which the table of arrows does not allow", name, ours)
		}
	}
}

func TestFewMayTouch(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		for _, imp := range p.Imports {
			if who, limited := only[imp]; limited && !slices.Contains(who, name) {
				t.Errorf("%s imports %s; only %v may", name, imp, who)
			}
		}
	}
}

// TestPureComparison holds the promise of compare and of what it is made of:
// no I/O, no clock, no randomness.
func TestPureComparison(t *testing.T) {
	for _, p := range packages(t) {
		if p.ImportPath != module+"/compare" && !strings.HasPrefix(p.ImportPath, module+"/compare/internal/") {
			continue
		}
		for _, banned := range []string{"os", "net", "math/rand", "math/rand/v2", "crypto/rand", "log", "log/slog", "context", "sync/atomic"} {
			if slices.Contains(p.Imports, banned) {
				t.Errorf("%s imports %s", p.ImportPath, banned)
			}
		}
	}
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"/...")
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 10 {
		t.Fatalf("go list found only %d packages", len(all))
	}
	return all
}
