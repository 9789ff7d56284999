package upstream

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
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
