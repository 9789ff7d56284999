package front

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// pairOf makes a certificate for a name and its key, both as PEM.
func pairOf(t *testing.T, name string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62))
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		DNSNames:     []string{name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: encoded})
}

// writePair writes a pair into a folder and names the files.
func writePair(t *testing.T, dir, name string) KeyPair {
	t.Helper()
	cert, key := pairOf(t, name)
	p := KeyPair{filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")}
	write(t, p.Cert, cert)
	write(t, p.Key, key)
	return p
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, pairs ...KeyPair) *Certificates {
	t.Helper()
	c, err := LoadCertificates(pairs, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// presented is the name in the certificate that a server shows to a client
// that asks for a name.
func presented(t *testing.T, addr, name string) string {
	t.Helper()
	c, err := tls.Dial("tcp", addr, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].Subject.CommonName
}

func describe(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	tlsVersion := "none"
	if r.TLS != nil {
		tlsVersion = tls.VersionName(r.TLS.Version)
	}
	io.WriteString(w, r.Proto+" "+tlsVersion+" "+string(body))
}

func TestTLS(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		s := serve(t, Config{Front: kind, Certificates: load(t, writePair(t, t.TempDir(), "a.example")), Handler: http.HandlerFunc(describe)})
		for _, c := range []struct {
			name   string
			protos func(*http.Protocols)
			want   string
		}{
			{"HTTP/1.1", func(p *http.Protocols) { p.SetHTTP1(true) }, "HTTP/1.1 TLS 1.3 hello"},
			{"HTTP/2", func(p *http.Protocols) { p.SetHTTP2(true) }, "HTTP/2.0 TLS 1.3 hello"},
		} {
			t.Run(c.name, func(t *testing.T) {
				tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, Protocols: new(http.Protocols)}
				c.protos(tr.Protocols)
				defer tr.CloseIdleConnections()
				for range 3 {
					if got := postWith(t, tr, "https://"+s.addr+"/"); got != c.want {
						t.Errorf("got %q, want %q", got, c.want)
					}
				}
			})
		}
		t.Run("no TLS 1.1", func(t *testing.T) {
			_, err := tls.Dial("tcp", s.addr, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
			if err == nil {
				t.Error("the handshake went well")
			}
		})
		t.Run("no TLS at all", func(t *testing.T) {
			c := dial(t, s.addr)
			c.send(get)
			if res, body := c.answer("GET"); res.StatusCode != 400 || !strings.Contains(body, "https") {
				t.Errorf("got %s %q", res.Status, body)
			}
			c.ended()
		})
		t.Run("odd request", func(t *testing.T) {
			raw, err := tls.Dial("tcp", s.addr, &tls.Config{InsecureSkipVerify: true})
			if err != nil {
				t.Fatal(err)
			}
			defer raw.Close()
			io.WriteString(raw, "GET / HTTP/1.1\nHost: a\n\n")
			got, _ := io.ReadAll(raw)
			if !strings.HasPrefix(string(got), "HTTP/1.1 400 ") {
				t.Errorf("got %q", got)
			}
		})
	})
}

func postWith(t *testing.T, tr *http.Transport, url string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, "POST", url, strings.NewReader("hello"))
	res, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestH2C(t *testing.T) {
	onBoth(t, func(t *testing.T, kind Kind) {
		s := serve(t, Config{Front: kind, H2C: true, Handler: http.HandlerFunc(describe)})
		tr := &http.Transport{Protocols: new(http.Protocols)}
		tr.Protocols.SetUnencryptedHTTP2(true)
		defer tr.CloseIdleConnections()
		if got, want := postWith(t, tr, "http://"+s.addr+"/"), "HTTP/2.0 none hello"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		c := dial(t, s.addr)
		c.send("P") // which could become either
		c.send(post("hello")[1:])
		if _, body := c.answer("POST"); body != "HTTP/1.1 none hello" {
			t.Errorf("got %q", body)
		}
	})
}

func TestCertificateByName(t *testing.T) {
	s := serve(t, Config{
		Certificates: load(t, writePair(t, t.TempDir(), "a.example"), writePair(t, t.TempDir(), "b.example")),
		Handler:      http.HandlerFunc(describe),
	})
	for ask, want := range map[string]string{"a.example": "a.example", "b.example": "b.example", "c.example": "a.example", "": "a.example"} {
		if got := presented(t, s.addr, ask); got != want {
			t.Errorf("asked for %q, got the certificate of %q, want %q", ask, got, want)
		}
	}
}

func TestBadPairs(t *testing.T) {
	dir := t.TempDir()
	good := writePair(t, dir, "a.example")
	other := writePair(t, t.TempDir(), "b.example")
	junk := filepath.Join(dir, "junk")
	write(t, junk, []byte("no PEM"))
	for _, c := range []struct {
		reason string
		pair   KeyPair
		says   string
	}{
		{"no certificate", KeyPair{filepath.Join(dir, "none"), good.Key}, "read the certificate: open "},
		{"no key", KeyPair{good.Cert, filepath.Join(dir, "none")}, "read the key: open "},
		{"key of another", KeyPair{good.Cert, other.Key}, "private key does not match public key\n  give the certificate"},
		{"no PEM", KeyPair{junk, good.Key}, "failed to find any PEM data"},
	} {
		t.Run(c.reason, func(t *testing.T) {
			if _, err := LoadCertificates([]KeyPair{good, c.pair}, nil); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
	if _, err := LoadCertificates(nil, nil); err == nil {
		t.Error("no pair is no error")
	}
}

// lines collects a log.
type lines struct {
	mu  sync.Mutex
	all strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not so in time: %s", what)
		}
	}
}

func TestCertificatesReload(t *testing.T) {
	swaps := []struct {
		name string
		// begin lays the first pair out and names it; swap puts another in its
		// place.
		begin func(t *testing.T, dir string) KeyPair
		swap  func(t *testing.T, dir string, cert, key []byte)
	}{
		{"written over", func(t *testing.T, dir string) KeyPair { return writePair(t, dir, "old.example") },
			func(t *testing.T, dir string, cert, key []byte) {
				write(t, filepath.Join(dir, "tls.crt"), cert)
				write(t, filepath.Join(dir, "tls.key"), key)
			}},
		{"renamed over", func(t *testing.T, dir string) KeyPair { return writePair(t, dir, "old.example") },
			func(t *testing.T, dir string, cert, key []byte) {
				for name, content := range map[string][]byte{"tls.crt": cert, "tls.key": key} {
					write(t, filepath.Join(dir, name+".new"), content)
					if err := os.Rename(filepath.Join(dir, name+".new"), filepath.Join(dir, name)); err != nil {
						t.Fatal(err)
					}
				}
			}},
		{"symlink swapped as Kubernetes does", beginLinked, swapLink},
	}
	for _, c := range swaps {
		for _, watched := range []bool{true, false} {
			name := c.name
			if !watched {
				name += ", found by looking"
			}
			t.Run(name, func(t *testing.T) { t.Parallel(); reloads(t, watched, c.begin, c.swap) })
		}
	}
}

func beginLinked(t *testing.T, dir string) KeyPair {
	first := filepath.Join(dir, "..first")
	if err := os.Mkdir(first, 0o700); err != nil {
		t.Fatal(err)
	}
	writePair(t, first, "old.example")
	for link, to := range map[string]string{"..data": "..first", "tls.crt": "..data/tls.crt", "tls.key": "..data/tls.key"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	return KeyPair{filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")}
}

func swapLink(t *testing.T, dir string, cert, key []byte) {
	next, err := os.MkdirTemp(dir, "..next")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(next, "tls.crt"), cert)
	write(t, filepath.Join(next, "tls.key"), key)
	if err := os.Symlink(filepath.Base(next), filepath.Join(dir, "..data_tmp")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
}

func reloads(t *testing.T, watched bool, begin func(*testing.T, string) KeyPair, swap func(*testing.T, string, []byte, []byte)) {
	dir := t.TempDir()
	log := new(lines)
	c, err := LoadCertificates([]KeyPair{begin(t, dir)}, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	c.every = time.Hour
	if !watched {
		c.every, c.blind = 20*time.Millisecond, true
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	s := serve(t, Config{Certificates: c, Handler: http.HandlerFunc(describe)})
	cert, key := pairOf(t, "new.example")
	swap(t, dir, cert, key)
	until(t, "the new certificate is shown", func() bool { return presented(t, s.addr, "") == "new.example" })

	bad, _ := pairOf(t, "bad.example")
	swap(t, dir, bad, key)
	until(t, "the bad pair is in the log", func() bool {
		return strings.Contains(log.String(), "new certificate is not used, the one before stays in force") &&
			strings.Contains(log.String(), "private key does not match")
	})
	if got := presented(t, s.addr, ""); got != "new.example" {
		t.Errorf("with a bad pair %q is shown", got)
	}
	cert, key = pairOf(t, "third.example")
	swap(t, dir, cert, key)
	until(t, "the third certificate is shown", func() bool { return presented(t, s.addr, "") == "third.example" })
}
