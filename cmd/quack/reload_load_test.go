package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// manyRoutes is a table of 2,000 routes; the one that is asked for is at a
// stage.
func manyRoutes(legacy, newer, stage string) string {
	var routes strings.Builder
	for i := range 1999 {
		fmt.Fprintf(&routes, "  - {name: r%d, match: \"GET /r%d/{id}\", timeout: %ds}\n", i, i, 1+i%60)
	}
	fmt.Fprintf(&routes, "  - {name: show, match: \"GET /a/{id}\", stage: %s}\n", stage)
	return table(legacy, newer, "", routes.String())
}

// reloader changes the table over and over while clients send requests.
type reloader struct {
	*running
	legacy, newer string
	longest       atomic.Int64 // nanoseconds that a request took
}

func startReloader(t testing.TB) *reloader {
	t.Helper()
	r := &reloader{
		legacy: serveJSON(t, func(*http.Request) (int, string) { return 200, `{"side":"legacy"}` }),
		newer:  serveJSON(t, func(*http.Request) (int, string) { return 200, `{"side":"new"}` }),
	}
	r.running = start(t, manyRoutes(r.legacy, r.newer, "legacy"))
	return r
}

// reload puts the route at the stage and waits until it is in force.
func (r *reloader) reload(stage string) {
	r.t.Helper()
	r.write(manyRoutes(r.legacy, r.newer, stage))
	r.answeredBy(stage)
}

// load sends requests over clients connections until stop, which reports those
// that failed.
func (r *reloader) load(clients int) (stop func()) {
	var wg sync.WaitGroup
	var over atomic.Bool
	var sent atomic.Int64
	for range clients {
		wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for !over.Load() {
				begun := time.Now()
				err := get(client, r.url+"/a/7")
				if err != nil {
					r.t.Errorf("after %d requests: %v", sent.Load(), err)
					return
				}
				sent.Add(1)
				time.Sleep(time.Millisecond) // leaves the processor to who is tested
				took := int64(time.Since(begun))
				for was := r.longest.Load(); took > was && !r.longest.CompareAndSwap(was, took); was = r.longest.Load() {
				}
			}
		})
	}
	return func() {
		over.Store(true)
		wg.Wait()
		if sent.Load() == 0 {
			r.t.Error("no request was sent")
		}
	}
}

func get(client *http.Client, url string) error {
	res, err := client.Get(url)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && (res.StatusCode != 200 || !strings.Contains(string(body), "side")) {
		err = fmt.Errorf("%d %s", res.StatusCode, body)
	}
	return err
}

func TestReloadOf2000RoutesFailsNoRequest(t *testing.T) {
	t.Parallel()
	r := startReloader(t)
	stop := r.load(4)
	for i := range 4 {
		r.reload([]string{"new", "legacy"}[i%2])
	}
	stop()
}

// BenchmarkReloadOf2000Routes reports the longest that a request took, of two
// clients, with and without reloads. With both on one machine it is an upper
// bound of the pause.
func BenchmarkReloadOf2000Routes(b *testing.B) {
	for _, reloads := range []bool{false, true} {
		b.Run(fmt.Sprintf("reloads=%v", reloads), func(b *testing.B) {
			r := startReloader(b)
			stop := r.load(2)
			for i := 0; b.Loop(); i++ {
				if reloads {
					r.reload([]string{"new", "legacy"}[i%2])
				} else {
					time.Sleep(200 * time.Millisecond)
				}
			}
			stop()
			b.ReportMetric(float64(r.longest.Load())/1e6, "ms-longest")
		})
	}
}
