package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/quackproxy/quack/control"
	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/routes"
)

// Client asks a running proxy through its API.
type Client struct {
	Base  string // "http://127.0.0.1:7070"
	Token string
	By    string       // who asks, for the audit; "" is said as such
	HTTP  *http.Client // nil: one that keeps no connection and uses no proxy
}

// byHeader carries Client.By. It is as trustworthy as the holder of the token.
const byHeader = "Quack-By"

// maxAnswer bounds what a client reads: a comparison holds at most a few
// bodies of max_body.
const maxAnswer = 256 << 20

var defaultHTTP = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// Problem is an answer of the API that says what went wrong.
type Problem struct {
	Status int
	Title  string
	Detail string // "" or what to do, in one or more lines
	Type   string // URI of the kind of problem, "" for none
}

func (p *Problem) Error() string {
	if p.Detail == "" {
		return p.Title
	}
	return p.Title + ": " + p.Detail
}

// Status is the state of the proxy.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	err := c.get(ctx, "/status", nil, &s)
	return s, err
}

// Routes are the routes of the table in force, in the file's order.
func (c *Client) Routes(ctx context.Context) ([]RouteInfo, error) {
	var a struct{ Routes []RouteInfo }
	err := c.get(ctx, "/routes", nil, &a)
	return a.Routes, err
}

// SetStage sets a route's stage live. percent is for stage ramp; with another
// stage it is refused unless it is 0.
func (c *Client) SetStage(ctx context.Context, route, stage string, percent float64, why string) error {
	if math.IsNaN(percent) || math.IsInf(percent, 0) {
		return fmt.Errorf("percent %v is not a number from 0 to 100", percent)
	}
	change := stageChange{Stage: stage, Why: why}
	if stage == string(routes.StageRamp) || percent != 0 {
		change.Percent = &percent
	}
	var is StageSet
	if err := c.post(ctx, "/routes/"+url.PathEscape(route)+"/stage", change, &is); err != nil {
		return err
	}
	if asked := (StageSet{Route: route, Stage: stage, Percent: percent}); is != asked {
		return c.notDone(asked.String(), is.String())
	}
	return nil
}

// ResetLatch lets a route's writes be shadowed again after a suspected leak.
func (c *Client) ResetLatch(ctx context.Context, route, why string) error {
	var is LatchReset
	if err := c.post(ctx, "/routes/"+url.PathEscape(route)+"/reset", resetChange{Why: why}, &is); err != nil {
		return err
	}
	if is.Route != route {
		return c.notDone(fmt.Sprintf("a reset of %q", route), fmt.Sprintf("one of %q", is.Route))
	}
	return nil
}

// Report counts per route, sorted by name.
func (c *Client) Report(ctx context.Context, f reports.Filter) ([]reports.RouteReport, error) {
	var a struct{ Routes []reports.RouteReport }
	err := c.get(ctx, "/report", query(f), &a)
	return a.Routes, err
}

// Differences are the groups, worst verdict first, then by count.
func (c *Client) Differences(ctx context.Context, f reports.Filter) ([]reports.Group, error) {
	list, _, err := c.DifferencesPage(ctx, f)
	return list, err
}

// DifferencesPage are the groups behind the cursor of f; next is the cursor of
// those after them, "" at the end.
func (c *Client) DifferencesPage(ctx context.Context, f reports.Filter) (list []reports.Group, next string, err error) {
	var a struct {
		Differences []reports.Group
		Next        string
	}
	err = c.get(ctx, "/differences", query(f), &a)
	return a.Differences, a.Next, err
}

// Comparisons lists stored comparisons without their bodies, newest first; next
// is the cursor of those after them, "" at the end.
func (c *Client) Comparisons(ctx context.Context, f reports.Filter) (list []reports.Comparison, next string, err error) {
	var a struct {
		Comparisons []reports.Comparison
		Next        string
	}
	err = c.get(ctx, "/comparisons", query(f), &a)
	return a.Comparisons, a.Next, err
}

// Comparison is one stored comparison.
func (c *Client) Comparison(ctx context.Context, id string) (*reports.Comparison, error) {
	var a reports.Comparison
	if err := c.get(ctx, "/comparisons/"+url.PathEscape(id), nil, &a); err != nil {
		return nil, err
	}
	return &a, nil
}

// Readonly is the gate's state.
func (c *Client) Readonly(ctx context.Context) (ReadonlyStatus, error) {
	var s ReadonlyStatus
	err := c.get(ctx, "/readonly", nil, &s)
	return s, err
}

// AwaitDrained waits, changing nothing, until no write is under way behind the
// closed gate. When wait is up first the error is a Problem of status 504, and
// of status 409 when the gate is open. wait is at most MaxWait.
func (c *Client) AwaitDrained(ctx context.Context, wait time.Duration) (ReadonlyStatus, error) {
	var s ReadonlyStatus
	err := c.get(ctx, "/readonly", url.Values{"wait": {wait.String()}}, &s)
	if err == nil && !s.ReadOnly {
		err = c.notDone("a wait for the writes under way", "read-write")
	}
	return s, err
}

// SetReadonly closes or opens the gate. With Wait the call returns when no
// write is under way any more; when the time is up first the error is a
// Problem of status 504, and the gate is closed all the same.
func (c *Client) SetReadonly(ctx context.Context, change ReadonlyChange) (ReadonlyStatus, error) {
	var s ReadonlyStatus
	err := c.post(ctx, "/readonly", change, &s)
	if err == nil && s.ReadOnly != change.On {
		mode := map[bool]string{true: "read-only", false: "read-write"}
		err = c.notDone(mode[change.On], mode[s.ReadOnly])
	}
	return s, err
}

// Audit lists the newest entries of the audit; limit is at most 1000.
func (c *Client) Audit(ctx context.Context, limit int) ([]control.Entry, error) {
	entries, _, err := c.AuditPage(ctx, "", limit)
	return entries, err
}

// AuditPage lists the entries behind a cursor, "" for the newest; next is the
// cursor of those after them, "" at the end.
func (c *Client) AuditPage(ctx context.Context, after string, limit int) (entries []control.Entry, next string, err error) {
	var a struct {
		Entries []control.Entry
		Next    string
	}
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	if after != "" {
		q.Set("after", after)
	}
	err = c.get(ctx, "/audit", q, &a)
	return a.Entries, a.Next, err
}

// LoginLink makes a link that logs one browser in, once.
func (c *Client) LoginLink(ctx context.Context) (string, error) {
	var l LoginLink
	err := c.post(ctx, "/login-links", struct{}{}, &l)
	return l.URL, err
}

// query is a filter as the API reads it.
func query(f reports.Filter) url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"route": f.Route, "path": f.Path, "kind": f.Kind, "group": f.Group, "verdict": string(f.Verdict), "after": f.After, "order": string(f.Order)} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if !f.Since.IsZero() {
		q.Set("since", f.Since.UTC().Format(time.RFC3339Nano))
	}
	if f.SinceMark != "" {
		q.Set("since", f.SinceMark)
	}
	if f.Limit > 0 {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	return q
}

func (c *Client) get(ctx context.Context, path string, q url.Values, into any) error {
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return c.do(ctx, http.MethodGet, path, nil, into)
}

func (c *Client) post(ctx context.Context, path string, change, into any) error {
	body, err := json.Marshal(change)
	if err != nil {
		return err
	}
	return c.do(ctx, http.MethodPost, path, body, into)
}

func (c *Client) do(ctx context.Context, method, path string, body []byte, into any) error {
	if c.Token == "" {
		return errors.New("no admin token\nset QUACK_ADMIN_TOKEN to the token that quack serve was started with")
	}
	if err := c.identify(ctx); err != nil {
		return err
	}
	req, err := c.request(ctx, method, "/api/v1"+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.Token)
	req.Header.Set("Accept", "application/json")
	if c.By != "" {
		req.Header.Set(byHeader, url.QueryEscape(c.By))
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.send(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return c.read(res, into)
}

func (c *Client) request(ctx context.Context, method, path string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.Base, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask the proxy at %q: %w", c.Base, err)
	}
	return req, nil
}

// unreachable says what to do about an error of the connection.
func (c *Client) unreachable(err error) error {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return fmt.Errorf("reach the proxy: %w\nis quack serve running at %s? set --admin or QUACK_ADMIN", dial, c.address())
	}
	return fmt.Errorf("ask the proxy: %w", err)
}

func (c *Client) read(res *http.Response, into any) error {
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the proxy's answer: %w", err)
	}
	if res.StatusCode/100 != 2 {
		p := &Problem{Status: res.StatusCode}
		if err := json.Unmarshal(body, p); err != nil || p.Title == "" {
			return fmt.Errorf("the proxy's admin listener answered %s\nis %s the admin listener of a quack serve of this version?", res.Status, c.address())
		}
		return p
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("read the proxy's answer (%s): %w\nis %s the admin listener of a quack serve of this version?", res.Status, err, c.address())
	}
	return nil
}

// notDone is the error of an answer that tells of something else than was asked
// for.
func (c *Client) notDone(asked, answered string) error {
	return fmt.Errorf("%s was asked for %s and answered that it is %s\nis it the admin listener of a quack serve of this version? see quack status and quack audit", c.address(), asked, answered)
}
