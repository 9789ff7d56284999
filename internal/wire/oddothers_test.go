package wire

import (
	"fmt"
	"net"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOddRequestsElsewhere says how many of the odd requests that deserve a
// refusal others let through. It holds nothing, so it runs only when asked to:
//
//	QUACK_ODD_ELSEWHERE=1 go test ./internal/wire -run OddRequestsElsewhere -v
func TestOddRequestsElsewhere(t *testing.T) {
	if os.Getenv("QUACK_ODD_ELSEWHERE") == "" {
		t.Skip("measures others; set QUACK_ODD_ELSEWHERE=1")
	}
	all := corpus()
	deserve := 0
	for _, o := range all {
		if o.label == refuse {
			deserve++
		}
	}
	t.Logf("%d requests, of which %d deserve a refusal", len(all), deserve)
	for _, p := range []struct {
		name  string
		start func(t *testing.T, backend string) (addr string)
	}{
		{"nginx", startNginx},
		{"haproxy", startHAProxy},
		{"httputil.ReverseProxy", startReverseProxy},
		{"quack", func(t *testing.T, backend string) string {
			return startFront(t, fronts[0], newPath(t, backend), false).addr
		}},
	} {
		t.Run(p.name, func(t *testing.T) {
			w := newWitness(t, strictSize)
			addr := p.start(t, w.url)
			if addr == "" {
				t.Skip("not installed")
			}
			tally(t, w, all, askAll(t.Logf, addr, all))
		})
	}
}

// tally logs what was let through.
func tally(t *testing.T, w *witness, all []odd, got []told) {
	through, second, malformed, lost := 0, 0, 0, 0
	var names []string
	for n, o := range all {
		requests, smuggled := w.of(n)
		whole := smuggled
		for _, a := range requests {
			whole = whole || !a.cut
			if a.fault != "" {
				malformed++
			}
		}
		switch {
		case o.label == refuse && whole:
			through++
			names = append(names, fmt.Sprintf("%04d %s", n, o.reason))
			if smuggled {
				second++
			}
		case o.label == pass && (got[n].status != 200 || len(requests) != 1):
			lost++
		}
	}
	t.Logf("let through %d (%d of them with the hidden request seen), sent on malformed %d, refused although sound %d\n%s",
		through, second, malformed, lost, strings.Join(names, "\n"))
}

func startReverseProxy(t *testing.T, backend string) string {
	u, err := url.Parse(backend)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }, ErrorLog: nil}
	return startStd(t, proxy, false).addr
}

func startNginx(t *testing.T, backend string) string {
	return startOther(t, "nginx", "nginx.conf", `
daemon off; master_process off; pid DIR/pid; error_log DIR/error.log;
events {}
http {
  access_log off;
  client_body_temp_path DIR/body; proxy_temp_path DIR/proxy; fastcgi_temp_path DIR/f; uwsgi_temp_path DIR/u; scgi_temp_path DIR/s;
  upstream b { server BACKEND; keepalive 32; }
  server {
    listen ADDR;
    location / { proxy_pass http://b; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; }
  }
}`, backend, "-c", "CONF", "-p", "DIR")
}

func startHAProxy(t *testing.T, backend string) string {
	return startOther(t, "haproxy", "haproxy.cfg", `
defaults
  mode http
  timeout client 10s
  timeout server 10s
  timeout connect 5s
frontend f
  bind ADDR
  default_backend b
backend b
  server s BACKEND
`, backend, "-db", "-f", "CONF")
}

// startOther runs a proxy until the test ends; "" is that it is not installed.
func startOther(t *testing.T, command, file, config, backend string, args ...string) string {
	t.Helper()
	binary, err := exec.LookPath(command)
	if err != nil {
		return ""
	}
	ln := listen(t)
	addr := ln.Addr().String()
	ln.Close()
	dir := t.TempDir()
	conf := filepath.Join(dir, file)
	fill := strings.NewReplacer("DIR", dir, "ADDR", addr, "BACKEND", strings.TrimPrefix(backend, "http://"), "CONF", conf)
	if err := os.WriteFile(conf, []byte(fill.Replace(config)), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range args {
		args[i] = fill.Replace(args[i])
	}
	cmd := exec.Command(binary, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed, so that it always is an error
	})
	until(t, command+" listens", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return addr
}
