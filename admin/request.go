package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/quackproxy/quack/reports"
)

// maxChange bounds the body of a request that changes something, in bytes.
const maxChange = 64 << 10

// maxLimit is the most that one list gives.
const maxLimit = 1000

// param is a part of the path. Chi gives it as it stands in the path that it
// has matched: escaped only where net/url kept the escaped form.
func param(r *http.Request, name string) string {
	value := chi.URLParam(r, name)
	if r.URL.RawPath == "" {
		return value
	}
	if plain, err := url.PathUnescape(value); err == nil {
		return plain
	}
	return value
}

// decode reads a JSON body strictly: one value, no key that is not known.
func decode(r *http.Request, into any) error {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return &problemError{status: http.StatusUnsupportedMediaType, kind: "not-json", title: "Not JSON", detail: "Send the change as JSON, with Content-Type: application/json."}
	}
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return notDecoded(err, into)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return badRequest("There is more behind the JSON value.")
	}
	return nil
}

// notDecoded says in the words of JSON what is wrong with a body; the words of
// encoding/json name the types of this program.
func notDecoded(err error, into any) error {
	var other *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		return &problemError{status: http.StatusRequestEntityTooLarge, kind: "too-large", title: "Too large", detail: fmt.Sprintf("A change has at most %d bytes.", long.Limit)}
	}
	says := strings.TrimPrefix(err.Error(), "json: ")
	switch {
	case errors.Is(err, io.EOF):
		says = "it is empty"
	case errors.Is(err, io.ErrUnexpectedEOF):
		says = "it ends in the middle of a value"
	case errors.As(err, &syntax):
		says = fmt.Sprintf("%s, at byte %d", syntax, syntax.Offset)
	case errors.As(err, &other) && other.Field == "":
		says = fmt.Sprintf("it is %s, and has to be an object", jsonWords(other.Value))
	case errors.As(err, &other):
		says = fmt.Sprintf("%q is %s, and has to be %s", other.Field, jsonWords(other.Value), wantedWords(other.Type))
	default:
		if name, unknown := strings.CutPrefix(says, "unknown field "); unknown {
			says = fmt.Sprintf("there is no %s here; there are %s", name, members(into))
		}
	}
	return badRequest("The body is not the JSON that is expected: " + says + ".")
}

// jsonWords is what encoding/json calls a value: "string", "number 1e999".
func jsonWords(value string) string {
	switch kind, literal, _ := strings.Cut(value, " "); {
	case kind == "bool":
		return "true or false"
	case literal != "":
		return "the number " + literal
	case kind == "array", kind == "object":
		return "an " + kind
	}
	return "a " + value
}

func wantedWords(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Float64:
		return "a number"
	}
	return "something else"
}

// members are the names that a body may have: those of the struct that into
// points to.
func members(into any) string {
	t := reflect.TypeOf(into).Elem()
	var names []string
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names = append(names, strconv.Quote(name))
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}

// filter reads the query of a list strictly. allowed are the names that it
// knows of route, since, path, kind, group, verdict, limit and after; what else is
// allowed, the caller reads.
func filter(r *http.Request, allowed ...string) (reports.Filter, error) {
	var f reports.Filter
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return f, badRequest("The query can not be read: " + err.Error() + ".")
	}
	for name, values := range q {
		if !slices.Contains(allowed, name) {
			return f, badRequest(fmt.Sprintf("There is no parameter %q here; there are %s.", name, strings.Join(allowed, ", ")))
		}
		if len(values) > 1 {
			return f, badRequest(fmt.Sprintf("The parameter %q is given twice.", name))
		}
	}
	f.Route, f.Path, f.Kind, f.After = q.Get("route"), q.Get("path"), q.Get("kind"), q.Get("after")
	f.Verdict = reports.Verdict(q.Get("verdict"))
	f.Group = q.Get("group")
	if f.Since, err = since(q.Get("since")); err != nil {
		if err = sinceMark(&f, q.Get("since"), err); err != nil {
			return f, err
		}
	}
	f.Limit, err = limit(q.Get("limit"))
	return f, err
}

// since reads an instant (RFC 3339) or a length of time before now ("24h").
func since(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return time.Time{}, badRequest(fmt.Sprintf("since %q is neither an instant (RFC 3339) nor a length of time such as 24h.", text))
	}
	return time.Now().Add(-d), nil
}

func limit(text string) (int, error) {
	if text == "" {
		return 100, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxLimit {
		return 0, badRequest(fmt.Sprintf("limit %q is not a number from 1 to %d.", text, maxLimit))
	}
	return n, nil
}

// answer writes v as JSON.
func (s *server) answer(w http.ResponseWriter, r *http.Request, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		s.fail(w, r, fmt.Errorf("write the answer: %w", err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	// The client may have gone; there is nobody left to tell.
	_, _ = w.Write(append(body, '\n'))
}
