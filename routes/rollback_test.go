package routes

import (
	"strings"
	"testing"
)

// What leaves besides the database is said of each route whose writes are
// shadowed, by what its backends can record.
func TestWhatShadowWritesLeaveBehind(t *testing.T) {
	table, err := Parse("routes.yaml", []byte(`version: 1
backends:
  monolith: {urls: ["http://127.0.0.1:1"], rollback: header}
  adapted: {urls: ["http://127.0.0.1:2"], rollback: header}
  preferring: {urls: ["http://127.0.0.1:3"], rollback: prefer}
  proxied: {urls: ["http://127.0.0.1:4"], rollback: lanes, proof: /up, database: shop, lanes: [{url: "http://127.0.0.1:5", listen: "127.0.0.1:6"}]}
databases: {shop: {}}
defaults: {legacy: monolith, new: adapted, stage: shadow}
routes:
  - {name: header, match: POST /header}
  - {name: prefer, match: POST /prefer, new: preferring}
  - {name: lanes, match: POST /lanes, new: proxied}
  - {name: mixed, match: POST /mixed, new: preferring, shadow: {run: both}}
  - {name: read, match: GET /read, new: preferring}
  - {name: off, match: POST /off, new: preferring, stage: legacy}
`))
	if err != nil {
		t.Fatal(err)
	}
	const leave = "rolled back in the database and nowhere else: mail, jobs and calls to others leave"
	const alone = "; answers are compared, rows written are not (that takes run: both)"
	wants := map[string]string{
		"header": leave + " unless the adapter records them" + alone,
		"prefer": leave + ", and nothing records them (preferring has rollback: prefer)" + alone,
		"lanes":  leave + ", and nothing records them (proxied has rollback: lanes)" + alone,
		"mixed":  leave + ", and nothing records them (preferring has rollback: prefer; an adapter on the other side may)",
		"read":   "",
		"off":    "",
	}
	var tree strings.Builder
	if err := table.WriteTree(&tree); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(tree.String(), "rollback: lanes  lane: http://127.0.0.1:5, its database at 127.0.0.1:6  database: shop") {
		t.Errorf("the lane is not shown:\n%s", tree.String())
	}
	for _, r := range table.Routes() {
		want := wants[r.Name]
		if got := r.ShadowWrites(); got != want {
			t.Errorf("%s: %q, want %q", r.Name, got, want)
		}
		if listed := strings.Contains(tree.String(), "\nwrites that are shadowed, "+want+":\n  "+r.Name+"\n"); listed != (want != "") {
			t.Errorf("%s is listed: %v\n%s", r.Name, listed, tree.String())
		}
		var explained strings.Builder
		if _, err := table.Explain("POST", "/"+r.Name).WriteTo(&explained); err != nil {
			t.Fatal(err)
		}
		if want != "" && !strings.Contains(explained.String(), want) {
			t.Errorf("explain of %s does not say it:\n%s", r.Name, explained.String())
		}
	}
}
