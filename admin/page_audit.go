package admin

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/quackproxy/quack/control"
)

const (
	auditPageSize = 100
	auditSearched = 5000 // entries that one page looks at for what is asked for
)

// auditView is a page of the audit: days, the newest first.
type auditView struct {
	page
	Query, After string
	Days         []auditDay
	Older        string // address of what is before, "" at the end
	Newest       string // address of the first page, "" on it
	Searched     int    // entries that were looked at, when not all that there are
}

// auditDay are the entries of one day (UTC).
type auditDay struct {
	Day     string
	Entries []control.Entry
}

func (s *server) auditPage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	v := auditView{page: s.base(r, "Audit", "audit"), Query: strings.TrimSpace(q.Get("q")), After: q.Get("after")}
	entries, searched, next, err := s.findAudit(r, v.Query, v.After)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	for _, e := range entries {
		day := e.At.UTC().Format("Monday, 2 January 2006")
		if n := len(v.Days); n == 0 || v.Days[n-1].Day != day {
			v.Days = append(v.Days, auditDay{Day: day})
		}
		last := &v.Days[len(v.Days)-1]
		last.Entries = append(last.Entries, e)
	}
	if next != "" {
		v.Older = auditURL(v.Query, next)
		v.Searched = searched
	}
	if v.After != "" {
		v.Newest = auditURL(v.Query, "")
	}
	s.render(w, r, http.StatusOK, "audit", v)
}

func auditURL(query, after string) string {
	q := url.Values{}
	if query != "" {
		q.Set("q", query)
	}
	if after != "" {
		q.Set("after", after)
	}
	return "/audit?" + q.Encode()
}

// findAudit are the entries that have a text in them, auditPageSize at most of
// the auditSearched after a cursor.
func (s *server) findAudit(r *http.Request, query, after string) (found []control.Entry, searched int, next string, err error) {
	query = strings.ToLower(query)
	size := auditPageSize
	if query != "" {
		size = maxLimit
	}
	for next = after; searched < auditSearched; {
		entries, older, err := s.audit(r, next, size)
		if err != nil {
			return nil, 0, "", err
		}
		for _, e := range entries {
			searched++
			next = strconv.FormatInt(e.ID, 10)
			if query != "" && !strings.Contains(strings.ToLower(strings.Join([]string{e.By, e.Action, e.What, e.Why}, "\n")), query) {
				continue
			}
			if found = append(found, e); len(found) == auditPageSize {
				if older == "" && e.ID == entries[len(entries)-1].ID {
					next = ""
				}
				return found, searched, next, nil
			}
		}
		if next = older; next == "" {
			break
		}
	}
	return found, searched, next, nil
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05") }

// actionClass colours an action of the audit: "bad" for what takes something away
// from clients or says that something is wrong, "good" for what gives it back.
func actionClass(action string) string {
	switch action {
	case "readonly on":
		return "warn"
	case "readonly off", "reset latch":
		return "good"
	case "latch":
		return "bad"
	}
	return "calm"
}
