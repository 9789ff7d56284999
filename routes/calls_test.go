package routes

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/internal/golden"
)

// writePair writes a certificate and its key as name.crt and name.key.
func writePair(t *testing.T, dir, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		name + ".crt": {Type: "CERTIFICATE", Bytes: cert},
		name + ".key": {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const everything = `version: 1
backends:
  plain: {urls: [http://127.0.0.1:3000]}
  all:
    urls: [https://127.0.0.1:4000]
    protocol: h2
    reuse: always
    compress: {type: zstd, over: 1KiB}
    host: shop.example:8443
    max_conns: 100
    connect_timeout: 1s
    tls: {ca: ca.crt, cert: me.crt, key: me.key, name: accounts.internal}
    health: {path: /up, every: 10s, timeout: 1s, healthy: 2, unhealthy: 3}
    outlier: {failures: 7, for: 20s, max: 30%}
    breaker: {failures: 4, for: 1500ms}
  short: {urls: [http://127.0.0.1:5000], compress: gzip, host: backend, reuse: never, outlier: off, breaker: off}
defaults: {legacy: plain, new: all}
routes: [{match: GET /, legacy: short}]
`

func TestBackendSettings(t *testing.T) {
	dir := t.TempDir()
	writePair(t, dir, "ca")
	writePair(t, dir, "me")
	file := filepath.Join(dir, "routes.yaml")
	table, err := Parse(file, []byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	want := map[string]Backend{
		"plain": {Rollback: RollbackNone, Protocol: ProtocolHTTP1, Reuse: ReuseIdempotent, Host: HostKeep},
		"all": {
			Rollback: RollbackNone, Protocol: ProtocolHTTP2, Reuse: ReuseAlways, Compress: Compress{CompressZstd, 1 << 10}, Host: "shop.example:8443",
			MaxConns: 100, ConnectTimeout: time.Second,
			TLS:     TLS{CA: read("ca.crt"), Cert: read("me.crt"), Key: read("me.key"), Name: "accounts.internal"},
			Health:  Health{Path: "/up", Every: 10 * time.Second, Timeout: time.Second, Healthy: 2, Unhealthy: 3},
			Outlier: Outlier{Failures: 7, For: 20 * time.Second, Max: 0.3},
			Breaker: Breaker{Failures: 4, For: 1500 * time.Millisecond},
		},
		"short": {
			Rollback: RollbackNone, Protocol: ProtocolHTTP1, Reuse: ReuseNever, Compress: Compress{CompressGzip, 16 << 10}, Host: HostBackend,
			Outlier: Outlier{Off: true}, Breaker: Breaker{Off: true},
		},
	}
	for _, b := range table.Backends() {
		got := *b
		got.Name, got.URLs, got.Position, got.TLS.files = "", nil, Position{}, nil
		if !reflect.DeepEqual(got, want[b.Name]) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", b.Name, got, want[b.Name])
		}
	}
	for name, host := range map[string]string{"plain": "client.example", "all": "shop.example:8443", "short": ""} {
		for _, b := range table.Backends() {
			if got := b.HostFor("client.example"); b.Name == name && got != host {
				t.Errorf("the host for %s is %q, want %q", name, got, host)
			}
		}
	}
	var tree bytes.Buffer
	if err := table.WriteTree(&tree); err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "calls-tree.txt", tree.Bytes())
	if strings.Contains(tree.String(), "PRIVATE") {
		t.Error("the tree shows a key")
	}
}

// TestCertificatesThatAreNoPair: what can only be seen with real certificates.
func TestCertificatesThatAreNoPair(t *testing.T) {
	dir := t.TempDir()
	writePair(t, dir, "me")
	writePair(t, dir, "you")
	if err := os.WriteFile(filepath.Join(dir, "empty.crt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "long.crt"), make([]byte, maxCertificates+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for tls, want := range map[string]string{
		"{cert: me.crt, key: you.key}": `tls.cert "me.crt" and tls.key "you.key" are no pair: tls: private key does not match public key`,
		"{cert: me.key, key: me.crt}":  `tls.cert "me.key" and tls.key "me.crt" are no pair: tls: failed to find certificate PEM data in certificate input`,
		"{ca: me.key}":                 `tls.ca "me.key" has no certificate in it`,
		"{ca: empty.crt}":              `tls.ca "empty.crt": is empty`,
		"{ca: long.crt}":               `tls.ca "long.crt": is longer than 1 MiB`,
	} {
		src := "version: 1\nbackends: {a: {urls: [https://a.example], tls: " + tls + "}}\ndefaults: {legacy: a}\n"
		_, err := Parse(filepath.Join(dir, "routes.yaml"), []byte(src))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%s: got %v, want %s", tls, err, want)
		}
	}
}
