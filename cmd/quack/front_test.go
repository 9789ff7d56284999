package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// certificateFiles writes the certificate that httptest has, for example.com.
func certificateFiles(t *testing.T) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	pair := srv.TLS.Certificates[0]
	private, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	for file, block := range map[string]*pem.Block{
		cert: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]},
		key:  {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots = x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	return cert, key, roots
}

// What a client's connection speaks, and what the backend hears of it.
func TestLiveListener(t *testing.T) {
	t.Parallel()
	backend := serveJSON(t, func(r *http.Request) (int, string) {
		body, _ := io.ReadAll(r.Body)
		return 200, fmt.Sprint(r.Proto, " ", r.Header.Get("X-Forwarded-Proto"), " ", r.Header.Get("X-Forwarded-For"), " ", string(body))
	})
	cert, key, roots := certificateFiles(t)
	for _, c := range []struct {
		reason string
		flags  []string
		tls    bool
		http2  bool
		header string // of PROXY
		want   string // the protocol, and what the backend got
	}{
		{"the fast lane", nil, false, false, "", "HTTP/1.1 http 127.0.0.1"},
		{"net/http alone", []string{"--front", "std"}, false, false, "", "HTTP/1.1 http 127.0.0.1"},
		{"HTTP/2 in the clear", nil, false, true, "", "HTTP/2.0 http 127.0.0.1"},
		{"TLS", []string{"--tls-cert", cert, "--tls-key", key}, true, false, "", "HTTP/1.1 https 127.0.0.1"},
		{"TLS and HTTP/2", []string{"--tls-cert", cert, "--tls-key", key}, true, true, "", "HTTP/2.0 https 127.0.0.1"},
		{"PROXY header", []string{"--proxy-protocol", "127.0.0.1"}, false, false, "PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n", "HTTP/1.1 http 192.0.2.7"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			q := start(t, table(backend, backend, "", ""), c.flags...)
			tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "example.com"}, Protocols: new(http.Protocols)}
			tr.Protocols.SetHTTP1(!c.http2)
			tr.Protocols.SetHTTP2(c.http2 && c.tls)
			tr.Protocols.SetUnencryptedHTTP2(c.http2 && !c.tls)
			tr.DialContext = func(_ context.Context, network, addr string) (net.Conn, error) {
				conn, err := net.Dial(network, addr)
				if err == nil {
					_, err = io.WriteString(conn, c.header)
				}
				return conn, err
			}
			defer tr.CloseIdleConnections()
			url := q.url
			if c.tls {
				url = strings.Replace(url, "http:", "https:", 1)
			}
			for range 2 {
				res, err := (&http.Client{Transport: tr}).Post(url+"/a", "text/plain", strings.NewReader("hello"))
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(res.Body)
				res.Body.Close()
				proto, heard, _ := strings.Cut(c.want, " ")
				if want := "HTTP/1.1 " + heard + " hello"; res.Proto != proto || string(body) != want {
					t.Errorf("answered in %s, and the backend saw %q; want %s and %q", res.Proto, body, proto, want)
				}
			}
		})
	}
}

// An ambiguous request gets to no backend.
func TestAmbiguousRequestIsRefused(t *testing.T) {
	backend := serveJSON(t, func(r *http.Request) (int, string) {
		t.Errorf("the backend got %s %s", r.Method, r.URL)
		return 200, "{}"
	})
	q := start(t, table(backend, backend, "", ""))
	conn, err := net.Dial("tcp", strings.TrimPrefix(q.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != 400 || !res.Close || res.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("answered %s %v", res.Status, res.Header)
	}
}

// Clients that connect and say nothing keep nobody from being served.
func TestMaxConnsFlag(t *testing.T) {
	backend := serveJSON(t, func(r *http.Request) (int, string) { return 200, "hello" })
	q := start(t, table(backend, backend, "", ""), "--max-conns", "2")
	var idle []net.Conn
	for range 6 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(q.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		idle = append(idle, conn)
	}
	if _, err := idle[0].Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the connection that was idle longest was not closed: %v", err)
	}
	res, err := http.Get(q.url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 {
		t.Errorf("got %s", res.Status)
	}
}

func TestMaxConnsDefault(t *testing.T) {
	if n := new(frontFlags).maxConns(); n <= 0 {
		t.Errorf("%d connections", n)
	}
	if err := (&frontFlags{MaxConns: -1}).validate(); err == nil {
		t.Error("fewer than none are taken")
	}
}
