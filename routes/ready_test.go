package routes

import (
	"strings"
	"testing"
)

func TestReadySettings(t *testing.T) {
	table, err := Parse("routes.yaml", []byte(`version: 1
backends:
  monolith: {urls: [http://127.0.0.1:3000]}
  accounts: {urls: [http://127.0.0.1:4000]}
defaults: {legacy: monolith, new: accounts}
routes:
  - {name: plain, match: GET /plain}
  - match: /money
    ready: {mismatch: 0.01%}
    routes:
      - {name: show, match: "GET /{id}"}
      - {name: list, match: GET /, ready: {covered: 100%, mismatch: 0.001%}}
`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]Ready{
		"plain": {0.001, 0.99},
		"show":  {0.0001, 0.99},
		"list":  {0.00001, 1},
	} {
		if got := table.Route(name).Ready; got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	var tree strings.Builder
	if err := table.WriteTree(&tree); err != nil {
		t.Fatal(err)
	}
	if want := "ready.mismatch: 0.001%  ready.covered: 100%"; !strings.Contains(tree.String(), want) {
		t.Errorf("the tree does not say %q:\n%s", want, tree.String())
	}
	for _, e := range table.Explain("GET", "/money/7").Settings {
		if e.Name == "ready.mismatch" && (e.Value != "0.01%" || !strings.HasPrefix(e.From, "routes.yaml:9:")) {
			t.Errorf("explain has %+v", e)
		}
	}
}
