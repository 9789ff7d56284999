package upstream

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

func TestTLS(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%d certificates for %q", len(r.TLS.PeerCertificates), r.TLS.ServerName)
	}))
	srv.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
	private, err := x509.MarshalPKCS8PrivateKey(srv.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	for _, c := range []struct {
		reason string
		tls    TLS
		want   string // "" is no connection
	}{
		{"the system's authorities do not know it", TLS{}, ""},
		{"its own authority", TLS{CA: ca}, `0 certificates for ""`},
		{"a name that it has", TLS{CA: ca, Name: "example.com"}, `0 certificates for "example.com"`},
		{"a name that it has not", TLS{CA: ca, Name: "other.example"}, ""},
		{"with a certificate", TLS{CA: ca, Cert: ca, Key: key}, `1 certificates for ""`},
		{"with half a pair", TLS{CA: ca, Cert: ca}, ""},
		{"authorities that are none", TLS{CA: "x"}, ""},
	} {
		b := newBackend(t, Options{TLS: c.tls}, srv.URL)
		req, err := NewRequest(t.Context(), "GET", "/", "", false, "", http.Header{}, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		res, err := b.Pick(nil).RoundTrip(req, true)
		if err == nil {
			text, _ := io.ReadAll(res.Body)
			res.Body.Close()
			got = string(text)
		} else if !NotSent(err) {
			t.Errorf("%s: not a failure of the connection: %v", c.reason, err)
		}
		if got != c.want {
			t.Errorf("%s: got %q and %v, want %q", c.reason, got, err, c.want)
		}
		if strings.Contains(fmt.Sprintf("%v %s", c.tls, c.tls), "PRIVATE") {
			t.Errorf("%s: the key is printed", c.reason)
		}
		if bad := c.reason == "with half a pair" || c.reason == "authorities that are none"; (c.tls.Check() != nil) != bad {
			t.Errorf("%s: Check says %v", c.reason, c.tls.Check())
		}
	}
}

// Over TLS what a backend sends behind its answer may have been read off the
// socket with it, where no look at the socket finds it.
func TestUnaskedBytesOverTLS(t *testing.T) {
	const evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
	cert := httptest.NewUnstartedServer(nil)
	cert.StartTLS()
	t.Cleanup(cert.Close)
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate().Raw}))
	pad := func(head string) string { return head + strings.Repeat("a", readSize-len(head)) }
	for _, c := range []struct {
		reason, method, first string
		kept                  bool
	}{
		{"behind a body that is read straight from TLS", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 8192\r\n\r\n" + strings.Repeat("a", 8192) + evil, false},
		{"where the buffer ends", "GET", pad("HTTP/1.1 200 OK\r\nContent-Length: 4055\r\n\r\n") + evil, false},
		{"behind a head without a body, where the buffer ends", "HEAD", pad("HTTP/1.1 200 OK\r\nX: ")[:readSize-4] + "\r\n\r\n" + evil, false},
		{"nothing", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 8192\r\n\r\n" + strings.Repeat("a", 8192), true},
	} {
		var requests atomic.Int64
		url := serveRaw(t, func(raw net.Conn, _ *bufio.Reader) {
			conn := tls.Server(raw, &tls.Config{Certificates: cert.TLS.Certificates, DynamicRecordSizingDisabled: true})
			r := bufio.NewReader(conn)
			for {
				if _, err := readHead(r); err != nil {
					return
				}
				answer := "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"
				if requests.Add(1) == 1 {
					answer = c.first // in one record
				}
				io.WriteString(conn, answer)
			}
		})
		i := newBackend(t, Options{TLS: TLS{CA: ca}}, strings.Replace(url, "http:", "https:", 1)).Pick(nil)
		for n, want := range []string{"a", "good"} {
			method := c.method
			if n > 0 {
				method = "GET"
			}
			got, err := callAtOnce(i, request(t, method, "/", "", nil, nil, 0))
			if n == 0 {
				got, want = "", ""
				if kept := len(i.idle.idle) > 0; kept != c.kept {
					t.Errorf("%s: the connection was kept: %v", c.reason, kept)
				}
			}
			if err != nil || got != want {
				t.Errorf("%s: answer %d is %q, %v; want %q", c.reason, n, got, err, want)
			}
		}
	}
}

// callAtOnce reads the answer's body with a large buffer, as a proxy does.
func callAtOnce(i *Instance, req *http.Request) (string, error) {
	res, err := i.RoundTrip(req, true)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var all strings.Builder
	_, err = io.CopyBuffer(struct{ io.Writer }{&all}, res.Body, make([]byte, 32<<10))
	return all.String(), err
}
