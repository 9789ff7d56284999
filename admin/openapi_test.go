package admin_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
)

// described is the description that the tests hold answers against.
type described struct {
	mu        sync.Mutex // the validator fills caches
	validator validator.Validator
	model     *v3.Document
}

var description = sync.OnceValues(func() (*described, error) {
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	doc, err := libopenapi.NewDocument(text)
	if err != nil {
		return nil, err
	}
	model, err := doc.BuildV3Model()
	if err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(doc)
	if errs != nil {
		return nil, fmt.Errorf("%v", errs)
	}
	return &described{validator: v, model: &model.Model}, nil
})

func describedAPI(t testing.TB) *described {
	t.Helper()
	d, err := description()
	if err != nil {
		t.Fatalf("read openapi.yaml: %v", err)
	}
	return d
}

// holding checks each answer that a test gets, and each request that was
// served, against the description.
type holding struct {
	t    testing.TB
	next http.RoundTripper
}

func (h holding) RoundTrip(r *http.Request) (*http.Response, error) {
	var asked []byte
	if r.Body != nil {
		asked, _ = io.ReadAll(r.Body)
		r.Body.Close()
		r.Body = io.NopCloser(bytes.NewReader(asked))
	}
	res, err := h.next.RoundTrip(r)
	if err != nil || !isDescribed(r.URL.Path) || r.Method == http.MethodHead {
		return res, err
	}
	var body []byte
	if strings.Contains(res.Header.Get("Content-Type"), "json") {
		if body, err = io.ReadAll(res.Body); err != nil {
			return nil, err
		}
		res.Body.Close()
		res.Body = io.NopCloser(bytes.NewReader(body))
	}
	for _, wrong := range describedAPI(h.t).wrong(r, asked, res, body) {
		h.t.Errorf("openapi.yaml: %s %s, %s: %s\n%.2000s", r.Method, r.URL.Path, res.Status, wrong, body)
	}
	return res, nil
}

// isDescribed reports whether a path is in the description: all but the pages.
func isDescribed(path string) bool {
	return strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/debug/") || slices.Contains([]string{"/healthz", "/readyz", "/metrics"}, path)
}

// wrong is what an answer has that is not described.
func (d *described) wrong(r *http.Request, asked []byte, res *http.Response, body []byte) (wrong []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	request := r.Clone(r.Context())
	request.Body = io.NopCloser(bytes.NewReader(asked))
	answer := *res
	answer.Body = io.NopCloser(bytes.NewReader(body))
	operation := d.operation(r.Method, r.URL.Path)
	if operation == nil {
		// There is nothing there, and the answer says so.
		if res.StatusCode != http.StatusNotFound && res.StatusCode != http.StatusMethodNotAllowed && res.StatusCode != http.StatusUnauthorized {
			return []string{"the operation is not described"}
		}
		return nil
	}
	if !d.answers(operation, res) {
		return []string{"the status with this Content-Type is not described: " + res.Header.Get("Content-Type")}
	}
	if body != nil {
		if ok, errs := d.validator.ValidateHttpResponse(request, &answer); !ok {
			for _, e := range errs {
				wrong = append(wrong, "answer: "+e.Error())
				for _, s := range e.SchemaValidationErrors {
					wrong = append(wrong, s.Error())
				}
			}
		}
	}
	if res.StatusCode == http.StatusOK && strings.HasPrefix(r.URL.Path, "/api/") {
		request.Header.Set("Authorization", "Bearer x") // whoever was let in had one, or a session
		request.Body = io.NopCloser(bytes.NewReader(asked))
		if ok, errs := d.validator.ValidateHttpRequest(request); !ok {
			for _, e := range errs {
				wrong = append(wrong, "a request that was served: "+e.Error())
			}
		}
	}
	return wrong
}

// answers reports whether a status with its media type is described.
func (d *described) answers(o *v3.Operation, res *http.Response) bool {
	known := o.Responses.Codes.GetOrZero(fmt.Sprint(res.StatusCode))
	if known == nil {
		return false
	}
	media, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	return known.Content.GetOrZero(media) != nil || known.Content.GetOrZero("*/*") != nil
}

// operation is the described operation of a request, nil for none.
func (d *described) operation(method, path string) *v3.Operation {
	var found *v3.Operation
	for template, item := range d.model.Paths.PathItems.FromOldest() {
		o := item.GetOperations().GetOrZero(strings.ToLower(method))
		if o == nil || !matches(template, path) {
			continue
		}
		if found == nil || !strings.Contains(template, "{") {
			found = o
		}
	}
	return found
}

var parameter = regexp.MustCompile(`\\\{[^}]*\\\}`)

func matches(template, path string) bool {
	return regexp.MustCompile("^" + parameter.ReplaceAllString(regexp.QuoteMeta(template), ".+") + "$").MatchString(path)
}

// The description is OpenAPI 3.1, and what is served is that file.
func TestDescriptionIsServed(t *testing.T) {
	w := newWorld(t)
	if ok, errs := describedAPI(t).validator.ValidateDocument(); !ok {
		for _, e := range errs {
			t.Errorf("%v %v", e, e.SchemaValidationErrors)
		}
	}
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	res, served := w.ask("GET", "/api/v1/openapi.yaml", "")
	if served != string(text) || res.Header.Get("Content-Type") != "application/yaml" {
		t.Errorf("%s, %s: not openapi.yaml", res.Status, res.Header.Get("Content-Type"))
	}
	res, served = w.ask("GET", "/api/v1/openapi.json", "")
	if res.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s, %s: not JSON", res.Status, res.Header.Get("Content-Type"))
	}
	doc, err := libopenapi.NewDocument([]byte(served))
	if err != nil {
		t.Fatal(err)
	}
	model, err := doc.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(operations(describedAPI(t).model), operations(&model.Model)); diff != "" {
		t.Errorf("the JSON describes something else:\n%s", diff)
	}
	if res, _ := w.askPlain("GET", "/api/v1/openapi.yaml", ""); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("without the token: %s", res.Status)
	}
}

func operations(d *v3.Document) (list []string) {
	for path, item := range d.Paths.PathItems.FromOldest() {
		for method := range item.GetOperations().FromOldest() {
			list = append(list, strings.ToUpper(method)+" "+nameless(path))
		}
	}
	slices.Sort(list)
	return list
}

// nameless is a path without the names of its parameters.
func nameless(path string) string {
	return regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "{}")
}

// Every route of the handler that is not a page is described, and what is
// described is a route.
func TestRoutesAndDescriptionAreTheSame(t *testing.T) {
	w := newWorld(t)
	var served []string
	err := chi.Walk(w.server.Config.Handler.(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if route = strings.TrimSuffix(route, "/*"); isDescribed(route) {
			served = append(served, method+" "+nameless(route))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(served)
	if diff := cmp.Diff(served, operations(describedAPI(t).model)); diff != "" {
		t.Errorf("routes of the handler (-), openapi.yaml (+):\n%s", diff)
	}
}

// The description has the query parameters and the members of bodies that the
// handler knows, no more and no less: it names them to whoever sends another.
func TestParametersAndMembersAreThoseThatAreTaken(t *testing.T) {
	w := newWorld(t)
	names := regexp.MustCompile(`"nonsense" here; there are ([^\n]*?)\.`)
	asked := 0
	for path, item := range describedAPI(t).model.Paths.PathItems.FromOldest() {
		for method, o := range item.GetOperations().FromOldest() {
			if !strings.HasPrefix(path, "/api/") {
				continue
			}
			var want []string
			for _, p := range o.Parameters {
				want = append(want, p.Name)
			}
			url, body := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "accounts.show"), ""
			if method == "get" {
				url += "?nonsense=1"
			}
			if o.RequestBody != nil {
				schema := o.RequestBody.Content.GetOrZero("application/json").Schema.Schema()
				want, body = nil, `{"nonsense":1}`
				for name := range schema.Properties.FromOldest() {
					want = append(want, name)
				}
			}
			if len(want) == 0 {
				continue
			}
			res, answer := w.ask(strings.ToUpper(method), url, body)
			var p struct{ Detail string }
			_ = json.Unmarshal([]byte(answer), &p)
			found := names.FindStringSubmatch(p.Detail)
			if found == nil {
				t.Errorf("%s %s: %s, %q", method, path, res.Status, answer)
				continue
			}
			got := strings.Split(strings.ReplaceAll(found[1], `"`, ""), ", ")
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(got, want); diff != "" {
				t.Errorf("%s %s takes (-), openapi.yaml says (+):\n%s", method, path, diff)
			}
			asked++
		}
	}
	if asked < 17 {
		t.Errorf("only %d operations with parameters or bodies", asked)
	}
}
