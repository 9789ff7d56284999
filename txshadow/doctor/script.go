package doctor

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Script is the statements that put a report right, each once, with what they
// are for; "" when nothing is to be done. It is to be run by a role that may,
// mostly a superuser, with psql.
func (r Report) Script() string {
	var b strings.Builder
	said, restart := map[string]bool{reload: true}, false
	for _, f := range r.Findings {
		fresh := slices.DeleteFunc(slices.Clone(f.Fix), func(s string) bool {
			before := said[s]
			said[s] = true
			return before
		})
		if len(fresh) == 0 {
			continue
		}
		restart = restart || f.Restart
		fmt.Fprintf(&b, "-- %s: %s\n", f.Check, f.Found)
		for _, s := range fresh {
			b.WriteString(strings.TrimSuffix(s, "\n") + "\n")
		}
		b.WriteString("\n")
	}
	if b.Len() == 0 {
		return ""
	}
	tail := reload + "\n"
	if restart {
		tail += "-- then restart the server\n"
	}
	return fmt.Sprintf("-- database %s, for psql; read it before you run it\n\n", r.Database) + b.String() + tail
}

// WriteTo prints the report as text.
func (r Report) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "database %s  PostgreSQL %s  roles of the application: %s\n", r.Database, r.Server, strings.Join(r.Roles, ", "))
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, f := range r.Findings {
		fmt.Fprintf(tw, "  %s\t%s\t%s\n", f.State, f.Check, f.Found)
	}
	tw.Flush() // of a builder, which takes everything
	fmt.Fprintf(&b, "  write sets: level %d", r.Level)
	if r.LevelWhy != "" {
		fmt.Fprintf(&b, " (in the way of level 4: %s)", r.LevelWhy)
	}
	b.WriteString("\n")
	for _, f := range r.Findings {
		if f.State == OK {
			continue
		}
		fmt.Fprintf(&b, "\n%s: %s: %s\n  %s\n", f.State, f.Check, f.Found, f.Means)
		for _, s := range f.Fix {
			for line := range strings.Lines(s) {
				b.WriteString("    " + strings.TrimSuffix(line, "\n") + "\n")
			}
		}
		if f.Restart {
			b.WriteString("    -- then restart the server\n")
		}
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}
