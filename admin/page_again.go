package admin

import (
	"net/http"
	"slices"

	"github.com/quackproxy/quack/reports"
)

// againForm is a form in which a request is copied, to be asked again elsewhere.
type againForm struct {
	Name, Says string
	write      func(*reports.Comparison, *reports.Side) (string, error)
}

var againForms = []againForm{
	{"curl", "A command for a shell.", func(c *reports.Comparison, s *reports.Side) (string, error) { return reports.Curl(c, s), nil }},
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

type againSide struct{ Name, Text, Failed string }

// viewAgain writes the request in the form that ?as=NAME asks for, the first one
// by default.
func viewAgain(c *reports.Comparison, r *http.Request) againView {
	q := r.URL.Query()
	form := againForms[max(0, slices.IndexFunc(againForms, func(f againForm) bool { return f.Name == q.Get("as") }))]
	v := againView{Form: form, Safe: safeMethod(c.Request.Method)}
	for _, f := range againForms {
		q.Set("as", f.Name)
		v.Links = append(v.Links, againLink{Name: f.Name, Link: r.URL.Path + "?" + q.Encode() + "#again", Current: f.Name == form.Name})
	}
	for i, side := range []*reports.Side{&c.Legacy, &c.New} {
		s := againSide{Name: []string{"legacy", "new"}[i]}
		var err error
		if s.Text, err = form.write(c, side); err != nil {
			s.Failed = err.Error()
		}
		v.Sides = append(v.Sides, s)
	}
	return v
}
