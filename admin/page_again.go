package admin

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/reports/export"
)

// againForm is a form in which a request is copied, to be asked again elsewhere.
type againForm struct {
	As   export.Format
	Name string
	Says string
	File string // what its file's name ends in
}

var againForms = []againForm{
	{export.AsCurl, "curl", "A command for a shell.", "sh"},
	{export.AsHTTP, ".http", "A file for the REST clients of editors.", "http"},
	{export.AsHurl, "Hurl", "A file for Hurl, which expects the status that was seen.", "hurl"},
	{export.AsHAR, "HAR", "An HTTP archive with the answer, for browsers and proxies.", "har"},
	{export.AsGo, "Go", "A program.", "go"},
}

// againView is the request of a comparison as something to copy.
type againView struct {
	Form  againForm
	Links []againLink // to the same page with another form
	Sides []againSide
	Safe  bool
}

type againLink struct {
	Name, Link string
	Current    bool
}

// againSide is the request as one side was asked it; Text is "" when it was not.
type againSide struct{ Name, Text, File string }

// viewAgain writes the request in the form that ?as=NAME asks for, the first one
// by default.
func viewAgain(c *reports.Comparison, r *http.Request) againView {
	q := r.URL.Query()
	q.Del("try")
	v := againView{Form: againForms[max(0, formNamed(q.Get("as")))], Safe: safeMethod(c.Request.Method)}
	for _, f := range againForms {
		q.Set("as", string(f.As))
		v.Links = append(v.Links, againLink{Name: f.Name, Link: r.URL.Path + "?" + q.Encode() + "#again", Current: f.As == v.Form.As})
	}
	for _, side := range []string{"legacy", "new"} {
		s := againSide{Name: side, File: exportURL(c.ID, v.Form.As, side)}
		var b bytes.Buffer
		if export.Write(&b, c, v.Form.As, side) == nil { // else it was not asked
			s.Text = strings.TrimRight(b.String(), "\n")
		}
		v.Sides = append(v.Sides, s)
	}
	return v
}

func formNamed(as string) int {
	return slices.IndexFunc(againForms, func(f againForm) bool { return string(f.As) == as })
}

func exportURL(id string, as export.Format, side string) string {
	return "/comparisons/" + url.PathEscape(id) + "/export?" + url.Values{"as": {string(as)}, "side": {side}}.Encode()
}

// exportFile is what a side was asked, as a file.
func (s *server) exportFile(w http.ResponseWriter, r *http.Request) {
	c, err := s.reports.Comparison(r.Context(), param(r, "id"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	q := r.URL.Query()
	form, side := formNamed(q.Get("as")), q.Get("side")
	if form < 0 || side != "legacy" && side != "new" {
		s.fail(w, r, badRequest("A file is as=curl, http, hurl, har or go, of side=legacy or new."))
		return
	}
	var b bytes.Buffer
	if err := export.Write(&b, c, againForms[form].As, side); err != nil {
		s.fail(w, r, badRequest(err.Error()))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream") // whatever is in it, no browser shows it
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-%s.%s"`, fileName(c.ID), side, againForms[form].File))
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	_, _ = w.Write(b.Bytes())
}

// fileName is an id with what a file's name may not have left out.
func fileName(id string) string {
	kept := strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return -1
	}, id)
	return "quack-" + kept[:min(len(kept), 64)]
}
