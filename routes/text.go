package routes

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/quackproxy/quack/compare"
)

// WriteTo prints the explanation as text.
func (e Explanation) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	if e.Matched {
		fmt.Fprintf(&b, "%s %s is route %s\n", e.Method, e.Path, e.Route)
	} else {
		fmt.Fprintf(&b, "%s %s matches no route: it goes to the default\n", e.Method, e.Path)
	}
	var params, nodes, values, rules, builtIn, happens [][]string
	for _, p := range e.Params {
		params = append(params, []string{p.Name, p.Value})
	}
	for i, n := range e.Nodes {
		nodes = append(nodes, []string{strings.Repeat("  ", i) + n.Match, n.From})
	}
	for _, s := range e.Settings {
		values = append(values, []string{s.Name, s.Value, s.From})
	}
	for _, r := range e.Rules {
		rules = append(rules, []string{r.Rule, r.From})
	}
	for _, b := range e.BuiltIn {
		builtIn = append(builtIn, b.rows()...)
	}
	for _, h := range e.Happens {
		happens = append(happens, []string{h.What, h.Text})
	}
	section(&b, "parameters", params)
	section(&b, "nodes", nodes)
	section(&b, "settings", values)
	section(&b, "rules", rules)
	section(&b, "accepted without a rule", builtIn)
	section(&b, "what happens", happens)
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

// section prints rows in columns under a title; nothing when there are none.
func section(w io.Writer, title string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", title)
	columns(w, rows)
}

func columns(w io.Writer, rows [][]string) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(tw, "  "+strings.Join(row, "\t"))
	}
	tw.Flush() // of a buffer or of the caller's writer, whose errors stay with it
}

// WriteTree prints the resolved tree, one line a route with its stage and where
// it differs from defaults, for `quack check`.
func (t *Table) WriteTree(w io.Writer) error {
	var b strings.Builder
	for _, backend := range t.backends {
		fmt.Fprintf(&b, "backend %s  %s\n", backend.Name, backend.summary())
	}
	for _, d := range t.Databases() {
		fmt.Fprintf(&b, "database %s\n", d.text())
	}
	plain, base := defaultRoute(), defaultRoute()
	plain.from, base.from = &scope{}, &t.root.own
	for id, s := range t.root.own {
		if s != nil {
			settings[id].set(base, s.value)
		}
	}
	rows := [][]string{
		{"defaults", "", base.stageText(), base.differences(plain)},
		{defaultName, "", string(StageLegacy), t.fallback.Legacy.Name},
	}
	var table strings.Builder
	columns(&table, t.treeRows(rows, base, t.root, 0))
	b.WriteString("\n")
	for line := range strings.Lines(table.String()) {
		b.WriteString(strings.TrimRight(strings.TrimPrefix(line, "  "), " \n") + "\n")
	}
	t.writeShadowWrites(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (b *Backend) summary() string {
	var words []string
	for _, u := range b.URLs {
		words = append(words, u.String())
	}
	if b.Rollback != RollbackNone {
		words = append(words, "rollback: "+string(b.Rollback))
	}
	for _, l := range b.Lanes {
		words = append(words, fmt.Sprintf("lane: %s, its database at %s", l.URL, l.Listen))
	}
	if b.Database != "" {
		words = append(words, "database: "+b.Database)
	}
	return strings.Join(append(words, b.callWords()...), "  ")
}

// callWords say how calls to the backend are made, where that was stated.
func (b *Backend) callWords() []string {
	var words []string
	say := func(stated bool, format string, args ...any) {
		if stated {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	say(b.Protocol != ProtocolHTTP1, "protocol: %s", b.Protocol)
	say(b.Reuse != ReuseIdempotent, "reuse: %s", b.Reuse)
	say(b.Compress.Type != "", "compress: %s over %s", b.Compress.Type, showSize(b.Compress.Over))
	say(b.Host != HostKeep, "host: %s", b.Host)
	say(b.MaxConns > 0, "max_conns: %d", b.MaxConns)
	say(b.ConnectTimeout > 0, "connect_timeout: %s", showDuration(b.ConnectTimeout))
	say(len(b.TLS.files) > 0, "tls: %s", strings.Join(b.TLS.files, ", "))
	say(b.TLS.Name != "", "tls name: %s", b.TLS.Name)
	say(b.Health.Path != "", "health: %s every %s", b.Health.Path, showDuration(b.Health.Every))
	say(b.Health.Timeout > 0, "within %s", showDuration(b.Health.Timeout))
	say(b.Health.Unhealthy > 0, "unhealthy after %d", b.Health.Unhealthy)
	say(b.Health.Healthy > 0, "healthy after %d", b.Health.Healthy)
	say(b.Outlier.Off, "outlier: off")
	say(b.Outlier.Failures > 0, "outlier after %d failures", b.Outlier.Failures)
	say(b.Outlier.For > 0, "outlier for %s", showDuration(b.Outlier.For))
	say(b.Outlier.Max > 0, "outlier at most %s", showShare(b.Outlier.Max))
	say(b.Breaker.Off, "breaker: off")
	say(b.Breaker.Failures > 0, "breaker after %d failures", b.Breaker.Failures)
	say(b.Breaker.For > 0, "breaker for %s", showDuration(b.Breaker.For))
	return words
}

// treeRows adds a row for each node below n.
func (t *Table) treeRows(rows [][]string, base *Route, n *treeNode, depth int) [][]string {
	for _, c := range n.children {
		match := strings.Repeat("  ", depth) + c.match
		if c.prefix {
			rows = append(rows, []string{match, "", "", ""})
		} else {
			name := ""
			if c.named {
				name = c.name
			}
			r := t.Route(c.name)
			rows = append(rows, []string{match, name, r.stageText(), r.differences(base)})
		}
		rows = t.treeRows(rows, base, c, depth+1)
	}
	return rows
}

func (r *Route) stageText() string {
	text := string(r.Stage)
	if r.Stage == StageRamp {
		text += fmt.Sprintf(" %s%% by %s", showNumber(r.Percent), r.Sticky)
	}
	if s := r.from[settingStage]; s != nil && s.live {
		text += " (set live)"
	}
	return text
}

// differences is the backends, and the settings that are stated and not what
// base has; of defaults, which have no node, all that are stated. The stage and
// its share stand in a column of their own.
func (r *Route) differences(base *Route) string {
	words := []string{r.Legacy.Name}
	if r.New != nil {
		words[0] += " → " + r.New.Name
	}
	for id, s := range settings {
		switch settingID(id) {
		case settingLegacy, settingNew, settingStage, settingPercent:
			continue
		case settingSticky:
			if r.Stage == StageRamp {
				continue
			}
		}
		if (r.node == nil || r.takes(settingID(id))) && r.from[id] != nil && s.show(r) != s.show(base) {
			words = append(words, s.key+": "+s.show(r))
		}
	}
	return strings.Join(words, "  ")
}

// writeShadowWrites lists the routes whose writes are shadowed, by what becomes
// of them: those that are rolled back, then those that are kept.
func (t *Table) writeShadowWrites(b *strings.Builder) {
	names := map[string][]string{}
	var rolledBack, kept []string
	for _, r := range t.routes {
		text := r.ShadowWrites()
		if text == "" {
			continue
		}
		if group := &rolledBack; names[text] == nil {
			if r.KeepsWrites(Legacy) {
				group = &kept
			}
			*group = append(*group, text)
		}
		names[text] = append(names[text], r.Name)
	}
	for _, text := range append(rolledBack, kept...) {
		fmt.Fprintf(b, "\nwrites that are shadowed, %s:\n", text)
		for _, name := range names[text] {
			fmt.Fprintf(b, "  %s\n", name)
		}
	}
}

// ruleText is a rule with whose it is.
func ruleText(r compare.Rule) string {
	text := r.String()
	var notes []string
	if r.Owner != "" {
		notes = append(notes, "owner "+r.Owner)
	}
	if r.Until != "" {
		notes = append(notes, "until "+r.Until)
	}
	if r.Why != "" {
		notes = append(notes, r.Why)
	}
	if len(notes) > 0 {
		text += " (" + strings.Join(notes, ", ") + ")"
	}
	return text
}
