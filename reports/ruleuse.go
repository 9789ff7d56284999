package reports

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/quackproxy/quack/internal/wording"
)

// RuleState says whether a rule is still needed.
type RuleState string

// The states of a rule.
const (
	RuleInUse   RuleState = "in use"
	RuleUnused  RuleState = "matched nothing"
	RuleOverdue RuleState = "past until"
	RuleUntried RuleState = "nothing compared yet"
)

// RuleUse is a rule of a route and what it has done.
type RuleUse struct {
	Route string `json:"route"`
	Rule  string `json:"rule"` // the path and what is acceptable there
	Owner string `json:"owner,omitempty"`
	Until string `json:"until,omitempty"` // the last day on which it is meant to be needed
	Why   string `json:"why,omitempty"`
	At    string `json:"at"` // place in the file

	// Forgiven counts comparisons in which the rule has forgiven a place, once
	// for each place.
	Forgiven    int64     `json:"forgiven"`
	LastMatched time.Time `json:"last_matched,omitzero"`
	// Compared are the comparisons of the route since the rule was first in
	// force, Since.
	Compared int64     `json:"compared"`
	Since    time.Time `json:"since,omitzero"`
	State    RuleState `json:"state"`
}

// Attention reports whether somebody should look at the rule.
func (u RuleUse) Attention() bool { return u.State == RuleUnused || u.State == RuleOverdue }

// Says is the state in words.
func (u RuleUse) Says() string {
	if u.State == RuleUnused {
		return fmt.Sprintf("matched nothing in %s", wording.Count(u.Compared, "comparison"))
	}
	return string(u.State)
}

// KnowRules notes which rules are in force, by route and as in Rule.String, so
// that a rule is not blamed for comparisons from before its time. Rules that
// are in force no longer are forgotten: when they come back, they are new.
func (r *Reports) KnowRules(ctx context.Context, inForce map[string][]string) error {
	compared := map[string]int64{}
	for _, route := range r.Live() {
		compared[route.Name] = route.Compared
	}
	known, err := r.knownRules(ctx)
	if err != nil {
		return err
	}
	now := time.Now().UnixMicro()
	return r.db.Write(ctx, func(tx *sql.Tx) error {
		for k := range known {
			if slices.Contains(inForce[k.route], k.rule) {
				continue
			}
			if _, err := tx.ExecContext(ctx, `DELETE FROM reports_rules WHERE route = ? AND rule = ?`, k.route, k.rule); err != nil {
				return fmt.Errorf("forget a rule: %w", err)
			}
		}
		for route, rules := range inForce {
			for _, rule := range rules {
				if _, is := known[ruleKey{route, rule}]; is {
					continue
				}
				_, err := tx.ExecContext(ctx, `INSERT INTO reports_rules (route, rule, since, compared) VALUES (?, ?, ?, ?)
					ON CONFLICT (route, rule) DO NOTHING`, route, rule, now, compared[route])
				if err != nil {
					return fmt.Errorf("note a rule: %w", err)
				}
			}
		}
		return nil
	})
}

type ruleKey struct{ route, rule string }

// ruleSince is when a rule was first in force, and how much its route had
// compared by then.
type ruleSince struct {
	at       time.Time
	compared int64
}

func (r *Reports) knownRules(ctx context.Context) (map[ruleKey]ruleSince, error) {
	rows, err := r.db.QueryContext(ctx, `SELECT route, rule, since, compared FROM reports_rules`)
	if err != nil {
		return nil, fmt.Errorf("read when rules came in force: %w", err)
	}
	defer rows.Close()
	known := map[ruleKey]ruleSince{}
	for rows.Next() {
		var k ruleKey
		var at int64
		var s ruleSince
		if err := rows.Scan(&k.route, &k.rule, &at, &s.compared); err != nil {
			return nil, fmt.Errorf("read when rules came in force: %w", err)
		}
		s.at = time.UnixMicro(at).UTC()
		known[k] = s
	}
	return known, rows.Err()
}

// RuleUses fills in what rules have done: of each in list Route, Rule and Until
// are set. today is the date by which a rule is past its last day.
func (r *Reports) RuleUses(ctx context.Context, route string, list []RuleUse, today time.Time) error {
	r.flushed(ctx)
	groups, err := r.groups(ctx, Filter{Route: route}) // their samples are of no interest here
	if err != nil {
		return fmt.Errorf("read groups of differences: %w", err)
	}
	known, err := r.knownRules(ctx)
	if err != nil {
		return err
	}
	used := map[ruleKey]*RuleUse{}
	for i := range list {
		used[ruleKey{list[i].Route, "rule " + list[i].Rule}] = &list[i]
	}
	for _, g := range groups {
		if u := used[ruleKey{g.Route, g.Reason}]; u != nil && g.Verdict == VerdictForgiven {
			u.Forgiven += g.Count
			if g.LastSeen.After(u.LastMatched) {
				u.LastMatched = g.LastSeen
			}
		}
	}
	compared := r.comparedEver()
	for i := range list {
		u := &list[i]
		// Of a rule that KnowRules has yet to note nothing has been compared.
		if since, noted := known[ruleKey{u.Route, u.Rule}]; noted {
			u.Since, u.Compared = since.at, max(compared[u.Route]-since.compared, 0)
		}
		u.State = u.state(today)
	}
	return nil
}

// state is what is to be said of a rule first.
func (u *RuleUse) state(today time.Time) RuleState {
	used := u.Forgiven > 0 && !u.LastMatched.Before(u.Since)
	switch {
	case Overdue(u.Until, today):
		return RuleOverdue
	case used:
		return RuleInUse
	case u.Compared == 0:
		return RuleUntried
	}
	return RuleUnused
}

// Overdue reports whether until, a day as a rule has it, is over; false without one.
func Overdue(until string, today time.Time) bool {
	last, err := time.ParseInLocation(time.DateOnly, until, today.Location())
	return err == nil && !today.Before(last.AddDate(0, 0, 1))
}
