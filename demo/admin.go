package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// adminAPI asks a running proxy, as a program of the user's would.
type adminAPI struct {
	url   string
	token string
	http  *http.Client
}

func newAdminAPI(addr, token string) *adminAPI {
	return &adminAPI{url: "http://" + addr, token: token, http: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}}
}

func (a *adminAPI) close() error {
	a.http.CloseIdleConnections()
	return nil
}

// routeReport is what the demo reads of GET /api/v1/report.
type routeReport struct {
	Name    string           `json:"name"`
	Leak    string           `json:"leak"`
	Skipped map[string]int64 `json:"skipped"`

	Compared   int64 `json:"compared"`
	Mismatched int64 `json:"mismatched"`
	Errors     int64 `json:"errors"`
	Dropped    int64 `json:"dropped"`

	Legacy latency `json:"legacy"`
	New    latency `json:"new"`
}

type latency struct {
	P50 float64 `json:"p50_ms"`
}

// settled is how many requests have been dealt with.
func (r routeReport) settled() int {
	n := r.Compared + r.Errors + r.Dropped
	for _, skipped := range r.Skipped {
		n += skipped
	}
	return int(n)
}

// group is what the demo reads of GET /api/v1/differences.
type group struct {
	Route   string   `json:"route"`
	Path    string   `json:"path"`
	Kind    string   `json:"kind"`
	Verdict string   `json:"verdict"`
	Reason  string   `json:"reason"`
	Count   int64    `json:"count"`
	Samples []sample `json:"samples"`
}

// sample is what one comparison has at a place.
type sample struct {
	Legacy string `json:"legacy"`
	New    string `json:"new"`
}

func (a *adminAPI) report(ctx context.Context) ([]routeReport, error) {
	var r struct {
		Routes []routeReport `json:"routes"`
	}
	err := a.get(ctx, "/api/v1/report", &r)
	return r.Routes, err
}

func (a *adminAPI) differences(ctx context.Context) ([]group, error) {
	var r struct {
		Differences []group `json:"differences"`
	}
	err := a.get(ctx, "/api/v1/differences?limit=1000", &r)
	return r.Differences, err
}

// proved reports whether every instance has proved that it rolls back and the rows
// that shadows write can be read, and what is missing.
func (a *adminAPI) proved(ctx context.Context) (all bool, why string, err error) {
	var r struct {
		Proofs []struct {
			Backend string `json:"backend"`
			Proved  bool   `json:"proved"`
			Detail  string `json:"detail"`
		} `json:"proofs"`
		WriteSets []struct {
			Available bool   `json:"available"`
			Why       string `json:"why"`
		} `json:"write_sets"`
	}
	if err := a.get(ctx, "/api/v1/status", &r); err != nil {
		return false, "", err
	}
	for _, p := range r.Proofs {
		if !p.Proved {
			return false, p.Backend + ": " + p.Detail, nil
		}
	}
	if len(r.WriteSets) == 0 {
		return false, "written rows are not read yet", nil
	}
	for _, w := range r.WriteSets {
		if !w.Available {
			return false, "written rows are not read: " + w.Why, nil
		}
	}
	return len(r.Proofs) > 0, "no backend has been asked yet", nil
}

// ready reports whether the proxy says that it is.
func (a *adminAPI) ready(ctx context.Context) bool {
	return a.get(ctx, "/readyz", nil) == nil
}

func (a *adminAPI) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, "GET", a.url+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	resp, err := a.http.Do(req)
	if err != nil {
		return fmt.Errorf("ask the proxy: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("ask the proxy for %s: %w", path, err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("ask the proxy for %s: status %d: %s", path, resp.StatusCode, body)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("read the proxy's answer to %s: %w", path, err)
	}
	return nil
}
