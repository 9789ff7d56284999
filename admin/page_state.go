package admin

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/quackproxy/quack/control"
)

var lengths = []choice{{"", "an unknown time"}, {"5m", "5 minutes"}, {"15m", "15 minutes"}, {"30m", "30 minutes"}, {"1h", "1 hour"}, {"2h", "2 hours"}, {"4h", "4 hours"}}

// readonlyInput is what stands in the form.
type readonlyInput struct{ Why, For string }

func (s *server) readonlyPage(w http.ResponseWriter, r *http.Request) {
	s.showReadonly(w, r, http.StatusOK, nil, readonlyInput{})
}

func (s *server) showReadonly(w http.ResponseWriter, r *http.Request, status int, failed *failure, typed readonlyInput) {
	data := struct {
		page
		Gate    ReadonlyStatus
		Lengths []choice
		Form    readonlyInput
	}{s.base(r, "Read-only mode", "readonly"), s.readonly(), lengths, typed}
	data.Live = "gate"
	data.Failed = failed
	s.render(w, r, status, "readonly", data)
}

func (s *server) readonlyForm(w http.ResponseWriter, r *http.Request) {
	typed := readonlyInput{Why: r.PostFormValue("why"), For: r.PostFormValue("for")}
	change := readonlyChange{Why: typed.Why, For: typed.For}
	if on, err := strconv.ParseBool(r.PostFormValue("on")); err == nil {
		change.On = &on
	}
	_, err := s.changeReadonly(r, change)
	s.afterForm(w, r, err, func(status int, f *failure) { s.showReadonly(w, r, status, f, typed) })
}

func (s *server) auditPage(w http.ResponseWriter, r *http.Request) {
	after := r.URL.Query().Get("after")
	entries, next, err := s.audit(r, after, 100)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	data := struct {
		page
		Entries      []control.Entry
		After, Older string
	}{page: s.base(r, "Audit", "audit"), Entries: entries, After: after}
	if next != "" {
		data.Older = "/audit?" + url.Values{"after": {next}}.Encode()
	}
	s.render(w, r, http.StatusOK, "audit", data)
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
