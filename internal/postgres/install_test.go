package postgres

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

func TestInstallingKeepsTheOwnersConfiguration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "etc", "createcluster.conf")
	if err := noSystemCluster(file); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(file); err != nil || !strings.Contains(string(b), "\ncreate_main_cluster = false\n") {
		t.Errorf("configuration = %q, %v", b, err)
	}
	if err := os.WriteFile(file, []byte("mine"), fs.FileMode(0o644)); err != nil {
		t.Fatal(err)
	}
	if err := noSystemCluster(file); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "mine" {
		t.Errorf("configuration = %q, %v; want it as it was", b, err)
	}
}

// mavenRepository serves testdata/server.txz as the repository serves the
// programs; its initdb is a script that fails, as the real one does for root.
func mavenRepository(t *testing.T, jars *atomic.Int64) string {
	t.Helper()
	archive, err := os.ReadFile("testdata/server.txz")
	if err != nil {
		t.Fatal(err)
	}
	var jar bytes.Buffer
	z := zip.NewWriter(&jar)
	w, err := z.Create("postgres.txz")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(archive); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(jar.Bytes())
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, ".jar.sha256"):
			w.Write([]byte(hex.EncodeToString(digest[:])))
		case strings.HasSuffix(r.URL.Path, ".jar"):
			jars.Add(1)
			w.Write(jar.Bytes())
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(http.DefaultClient.CloseIdleConnections) // the library's client
	return srv.URL
}

func TestFetchKeepsTheProgramsForTheNextTime(t *testing.T) {
	var jars atomic.Int64
	from, cache := mavenRepository(t, &jars), filepath.Join(t.TempDir(), "cache")
	t.Setenv("TMPDIR", t.TempDir()) // the library leaves its log there
	for range 2 {
		bin, err := fetch(from, cache)
		if err != nil {
			t.Fatal(err)
		}
		if !complete(bin) || !strings.HasPrefix(bin, cache) {
			t.Errorf("fetch() = %q: not a folder with the programs in %q", bin, cache)
		}
	}
	if n := jars.Load(); n != 1 {
		t.Errorf("fetched %d times, want once", n)
	}
	left, err := filepath.Glob(filepath.Join(cache, "fetch-*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

func TestFetchSaysWhatIsWrong(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	defer http.DefaultClient.CloseIdleConnections()
	cache := t.TempDir()
	if bin, err := fetch(srv.URL, cache); err == nil || !strings.Contains(err.Error(), "no version found matching "+string(fetched)) {
		t.Errorf("fetch() = %q, %v; want an error that names the version", bin, err)
	}
	if left, err := os.ReadDir(cache); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
