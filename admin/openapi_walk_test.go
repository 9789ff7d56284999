package admin_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/quackproxy/quack/reports"
)

// Every operation is asked: without the token, of what is not there, with a body
// that lacks what it needs, and where it takes nothing. Each answer is held
// against the description on its way back.
func TestEveryOperationAnswersAsDescribed(t *testing.T) {
	w := newWorld(t)
	w.plant()
	names := regexp.MustCompile(`\{[^}]*\}`)
	asked := 0
	for path, item := range describedAPI(t).model.Paths.PathItems.FromOldest() {
		for method, o := range item.GetOperations().FromOldest() {
			if !strings.HasPrefix(path, "/api/") || o.OperationId == "events" {
				continue // an answer that does not end
			}
			method = strings.ToUpper(method)
			if res, _ := w.askPlain(method, names.ReplaceAllString(path, "x"), "{}"); res.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s %s without a token: %s", method, path, res.Status)
			}
			for _, value := range []string{"accounts.show", "not-there", "planted"} {
				res, body := w.ask(method, names.ReplaceAllString(path, value), "{}")
				if res.StatusCode >= 500 {
					t.Errorf("%s %s of %s: %s %s", method, path, value, res.Status, body)
				}
			}
			asked++
		}
	}
	if asked < 27 {
		t.Errorf("only %d operations", asked)
	}
}

// What is recorded while a list is read page by page comes in no page behind the
// first, and shifts none.
func TestPagesStayWhileMoreIsRecorded(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.differ(fmt.Sprintf("before%d", i), fmt.Sprintf("f%d", i))
		w.control.Note(t.Context(), "ann", "login", fmt.Sprintf("before%d", i), "")
	}
	var groups, comparisons, entries []string
	f := reports.Filter{Route: "accounts.show", Order: reports.OrderFound, Limit: 2}
	c := reports.Filter{Limit: 2}
	after := ""
	for page := 0; page == 0 || f.After != "" || c.After != "" || after != ""; page++ {
		if page == 0 || f.After != "" {
			list, next, err := w.client.DifferencesPage(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range list {
				groups = append(groups, g.Path)
			}
			f.After = next
		}
		if page == 0 || c.After != "" {
			list, next, err := w.client.Comparisons(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range list {
				comparisons = append(comparisons, one.ID)
			}
			c.After = next
		}
		if page == 0 || after != "" {
			list, next, err := w.client.AuditPage(t.Context(), after, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range list {
				entries = append(entries, e.What)
			}
			after = next
		}
		if page < 2 { // else the list would grow as fast as it is read
			w.differ(fmt.Sprintf("later%d", page), fmt.Sprintf("later%d", page))
			w.control.Note(t.Context(), "ann", "login", fmt.Sprintf("later%d", page), "")
		}
	}
	slices.Sort(groups) // those of one batch are found at once
	for what, c := range map[string]struct{ got, want string }{
		"differences": {strings.Join(groups, " "), "$.f0 $.f1 $.f2 $.f3 $.f4 $.later0 $.later1"},
		"comparisons": {strings.Join(comparisons, " "), "before4 before3 before2 before1 before0"},
		"audit":       {strings.Join(entries[:5], " "), "before4 before3 before2 before1 before0"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", what, c.got, c.want)
		}
	}
}

// differ records a comparison that differs at one member.
func (w *world) differ(id, member string) {
	w.t.Helper()
	w.record(id, "accounts.show", "GET", "/accounts/7", exchange(200, `{"`+member+`":"a"}`), exchange(200, `{"`+member+`":"b"}`))
}
