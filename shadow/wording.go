package shadow

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/quackproxy/quack/compare"
	"github.com/quackproxy/quack/routes"
)

// wording is what of a request may be worded otherwise for one side.
type wording struct {
	req      *Request
	params   routes.Params
	path     string // escaped, before a rewrite
	rawQuery string
	header   http.Header
	body     []byte
}

// words are the request as the client worded it. The header is the caller's,
// in which only whole entries are set.
func words(req *Request, h http.Header) *wording {
	return &wording{req, req.Params, req.Path, req.RawQuery, h, req.Body}
}

// replace is asked for each term of a request: the place and the value there.
// It returns the value to put there instead, or false.
type replace func(at routes.Place, value string) (string, bool)

// each asks f for each term that the request has, and puts in what it returns.
func (w *wording) each(f replace) {
	w.eachOf(func(routes.Place) bool { return true }, f)
}

// bearers asks f for each term that says by itself who the client is. Bodies are
// not looked into for it.
func (w *wording) bearers(f replace) {
	w.eachOf(routes.Place.Bearer, f)
}

func (w *wording) eachOf(wanted func(routes.Place) bool, f replace) {
	for _, at := range w.req.Route.Terms() {
		if !wanted(at) {
			continue
		}
		with := func(value string) (string, bool) { return f(at, value) }
		switch at.In {
		case routes.InCookie:
			w.fields("Cookie", func(line string) (string, bool) { return inCookies(line, at.Name, with) })
		case routes.InHeader:
			w.fields(at.Name, func(line string) (string, bool) {
				scheme, value := credentials(at.Name, line)
				value, ok := with(value)
				return scheme + value, ok
			})
		case routes.InQuery:
			w.rawQuery = inQuery(w.rawQuery, at.Name, with)
		case routes.InPath:
			w.inPath(at.Name, with)
		case routes.InJSON:
			w.inBody(at.JSON, with)
		}
	}
}

// fields replaces lines of a field.
func (w *wording) fields(name string, with func(string) (string, bool)) {
	lines, copied := w.header[name], false
	for i, line := range lines {
		line, ok := with(line)
		if !ok {
			continue
		}
		if !copied {
			lines, copied = slices.Clone(lines), true
		}
		lines[i] = line
	}
	if copied {
		w.header[name] = lines
	}
}

// inCookies replaces the value of one cookie in a Cookie field (RFC 6265
// section 4.2), and leaves the others as they are.
func inCookies(line, name string, with func(string) (string, bool)) (string, bool) {
	pairs, changed := strings.Split(line, ";"), false
	for i, pair := range pairs {
		key, value, found := strings.Cut(pair, "=")
		if !found || strings.TrimSpace(key) != name {
			continue
		}
		value, ok := with(strings.TrimSpace(value))
		if ok && !strings.Contains(value, ";") {
			pairs[i], changed = key+"="+value, true
		}
	}
	if !changed {
		return line, false
	}
	return strings.Join(pairs, ";"), true
}

// credentials cuts the scheme off the fields that have one (RFC 9110 section
// 11.4): it is no part of the token.
func credentials(name, line string) (scheme, value string) {
	if name == "Authorization" || name == "Proxy-Authorization" {
		if i := strings.IndexByte(line, ' '); i >= 0 {
			return line[:i+1], line[i+1:]
		}
	}
	return "", line
}

// inQuery replaces the values of one parameter, and leaves all else as it came.
func inQuery(query, name string, with func(string) (string, bool)) string {
	if query == "" {
		return query
	}
	pairs, changed := strings.Split(query, "&"), false
	for i, pair := range pairs {
		key, value, _ := strings.Cut(pair, "=")
		if k, err := url.QueryUnescape(key); err != nil || k != name {
			continue
		}
		plain, err := url.QueryUnescape(value)
		if err != nil {
			continue
		}
		if value, ok := with(plain); ok {
			pairs[i], changed = key+"="+url.QueryEscape(value), true
		}
	}
	if !changed {
		return query
	}
	return strings.Join(pairs, "&")
}

// inPath replaces a parameter of the path.
func (w *wording) inPath(name string, with func(string) (string, bool)) {
	changed, ok := w.params.With(name, func(value string) (string, bool) {
		plain, err := url.PathUnescape(value)
		if err != nil {
			return "", false
		}
		value, ok := with(plain)
		// Dots would make it another path (RFC 3986 section 5.2.4).
		return url.PathEscape(value), ok && value != "." && value != ".."
	})
	if !ok {
		return
	}
	if path, ok := w.req.Route.PathWith(w.path, w.params, changed); ok {
		w.path, w.params = path, changed
	}
}

// bodyDigests are fields that are true of a body's bytes as they are.
var bodyDigests = []string{"Content-Encoding", "Content-Digest", "Repr-Digest", "Digest", "Content-Md5", "X-Amz-Content-Sha256"}

// inBody replaces a member of a JSON body. Its other bytes stay as they are.
func (w *wording) inBody(at compare.Singular, with func(string) (string, bool)) {
	if len(w.body) == 0 || !strings.Contains(strings.ToLower(w.header.Get("Content-Type")), "json") {
		return
	}
	for _, name := range bodyDigests {
		if len(w.header[name]) > 0 {
			return
		}
	}
	from, to, ok := at.Find(w.body)
	if !ok {
		return
	}
	was := w.body[from:to]
	plain, ok := compare.Scalar(was)
	if !ok {
		return
	}
	value, ok := with(plain)
	if !ok {
		return
	}
	w.body = slices.Concat(w.body[:from], inJSON(value, was[0] != '"'), w.body[to:])
}

// inJSON is a value as JSON: a number where one was and it is one.
func inJSON(value string, number bool) []byte {
	if _, ok := compare.Scalar([]byte(value)); ok && number && value[0] != '"' {
		return []byte(value)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(value) != nil {
		return nil // a string can always be encoded
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
