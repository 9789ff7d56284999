package admin

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/quackproxy/quack/control"
	"github.com/quackproxy/quack/routes"
)

var lengths = []choice{{"", "an unknown time"}, {"5m", "5 minutes"}, {"15m", "15 minutes"}, {"30m", "30 minutes"}, {"1h", "1 hour"}, {"2h", "2 hours"}, {"4h", "4 hours"}}

// readonlyInput is what stands in the form.
type readonlyInput struct{ Why, For string }

func (s *server) readonlyPage(w http.ResponseWriter, r *http.Request) {
	s.showReadonly(w, r, http.StatusOK, nil, readonlyInput{})
}

// readonlyView is how the gate stands, and what it does to each route.
type readonlyView struct {
	page
	Gate      ReadonlyStatus
	Lengths   []choice
	Form      readonlyInput
	Meanwhile []meanwhile
	Changes   []control.Entry // of the gate, the newest first
}

// meanwhile is what happens to writes while the gate is closed, and on which
// routes.
type meanwhile struct {
	Does   routes.ReadOnly
	Says   string
	Routes []string
}

func (s *server) showReadonly(w http.ResponseWriter, r *http.Request, status int, failed *failure, typed readonlyInput) {
	v := readonlyView{page: s.base(r, "Read-only mode", "readonly"), Gate: s.readonly(), Lengths: lengths, Form: typed, Meanwhile: s.meanwhile()}
	v.Live = "gate table"
	v.Failed = failed
	var err error
	if v.Changes, err = s.gateChanges(r); err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, status, "readonly", v)
}

// meanwhile are the routes by what they do with writes, in the file's order.
func (s *server) meanwhile() []meanwhile {
	list := []meanwhile{
		{Does: routes.ReadOnlyBlock, Says: "answered with 503"},
		{Does: routes.ReadOnlySkip, Says: "passed on with Quack-Read-Only: 1, for the backend to leave its writes out"},
		{Does: routes.ReadOnlyAllow, Says: "let through"},
	}
	t := s.control.Table()
	if t == nil {
		return nil
	}
	for _, route := range t.Routes() {
		method := cmp.Or(route.Method, http.MethodPost)
		if route.SafeFor(method) && route.ReadOnlyFor(method) == routes.ReadOnlyAllow {
			continue // a read, which goes on
		}
		i := slices.IndexFunc(list, func(m meanwhile) bool { return m.Does == route.ReadOnlyFor(method) })
		list[i].Routes = append(list[i].Routes, route.Name)
	}
	return slices.DeleteFunc(list, func(m meanwhile) bool { return len(m.Routes) == 0 })
}

// gateChanges are the last times that the gate was opened or closed, among the
// newest entries of the audit.
func (s *server) gateChanges(r *http.Request) ([]control.Entry, error) {
	entries, _, err := s.audit(r, "", maxLimit)
	if err != nil {
		return nil, err
	}
	entries = slices.DeleteFunc(entries, func(e control.Entry) bool { return !strings.HasPrefix(e.Action, "readonly ") })
	return entries[:min(len(entries), 5)], nil
}

func (s *server) readonlyForm(w http.ResponseWriter, r *http.Request) {
	typed := readonlyInput{Why: r.PostFormValue("why"), For: r.PostFormValue("for")}
	change := readonlyChange{Why: typed.Why, For: typed.For}
	if on, err := strconv.ParseBool(r.PostFormValue("on")); err == nil {
		change.On = &on
	}
	_, err := s.changeReadonly(r, change)
	s.afterForm(w, r, err, "/readonly", func(status int, f *failure) { s.showReadonly(w, r, status, f, typed) })
}

// loginPage asks for a click: what looks at links on its own (previews, mail
// filters, prefetching) would use the link up.
func (s *server) loginPage(w http.ResponseWriter, r *http.Request) {
	if err := s.checkHost(r); err != nil {
		s.fail(w, r, err)
		return
	}
	data := struct {
		page
		Code string
	}{s.base(r, "Log in", ""), r.URL.Query().Get("code")}
	s.render(w, r, http.StatusOK, "login", data)
}

func (s *server) login(w http.ResponseWriter, r *http.Request) {
	err := s.checkHost(r)
	if err == nil && http.NewCrossOriginProtection().Check(r) != nil {
		err = &problemError{status: http.StatusForbidden, kind: "cross-origin", title: "Not from the login page", detail: "Open the link that quack login prints and log in there."}
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxChange)
	cookie, begun, ok := s.sessions.redeem(r.PostFormValue("code"))
	if !ok {
		s.fail(w, r, &problemError{
			status: http.StatusUnauthorized, kind: "link-used", title: "This link has been used or is too old",
			detail: "A link logs one browser in, once, within 10 minutes.\nRun quack login for another.",
		})
		return
	}
	s.control.Note(r.Context(), begun.by, "login", "browser "+userAgent(r), "")
	setCookie(w, r, cookie, begun.expires)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func userAgent(r *http.Request) string {
	agent := r.UserAgent()
	return strings.ToValidUTF8(agent[:min(len(agent), 200)], "")
}

func (s *server) logout(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(cookieName(r)); err == nil {
		s.sessions.end(cookie.Value)
	}
	setCookie(w, r, "", s.sessions.now())
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}
