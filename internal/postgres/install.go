package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	embedded "github.com/fergusstrange/embedded-postgres"
)

// canInstall reports whether apt-get may install packages here.
func canInstall() bool {
	_, err := exec.LookPath("apt-get")
	return err == nil && os.Geteuid() == 0
}

// install installs the distribution's PostgreSQL.
func install(ctx context.Context) error {
	if err := noSystemCluster("/etc/postgresql-common/createcluster.conf"); err != nil {
		return fmt.Errorf("install PostgreSQL: %w", err)
	}
	for _, args := range [][]string{
		{"-qq", "update"},
		{"-qq", "-y", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0", "-o", "Dpkg::Options::=--force-confold", "install", "postgresql"},
	} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "UCF_FORCE_CONFFOLD=1", "NEEDRESTART_MODE=l")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %w: %s", strings.Join(args, " "), err, tail(out))
		}
	}
	return nil
}

// noSystemCluster keeps the package from making a cluster of its own and
// starting it: only its programs are wanted. A configuration that is there
// already is the machine owner's.
func noSystemCluster(file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString("# Written by quack, which needs PostgreSQL's programs only, when it installed\n# the package: no cluster is made and started at installation.\ncreate_main_cluster = false\n")
	return errors.Join(err, f.Close())
}

// tail is the end of a program's output.
func tail(out []byte) string {
	if len(out) > 600 {
		out = out[len(out)-600:]
	}
	return strings.TrimSpace(string(out))
}

const (
	// fetched is a release that the repository has for every platform.
	fetched = embedded.V17
	// repository is where the library's author puts the programs.
	repository = "https://repo1.maven.org/maven2"
)

// fetch gets the programs as fergusstrange/embedded-postgres does, from a
// Maven repository, and keeps them in the folder cache.
func fetch(repository, cache string) (string, error) {
	final := filepath.Join(cache, string(fetched))
	bin := filepath.Join(final, "bin")
	if complete(bin) {
		return bin, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("fetch PostgreSQL: %w", err)
	}
	// What is unpacked half is never found under the final name.
	work, err := os.MkdirTemp(cache, "fetch-")
	if err != nil {
		return "", fmt.Errorf("fetch PostgreSQL: %w", err)
	}
	defer os.RemoveAll(work)
	if err := unpack(repository, work); err != nil {
		return "", fmt.Errorf("fetch PostgreSQL %s: %w", fetched, err)
	}
	if err := os.Rename(filepath.Join(work, "server"), final); err != nil {
		return "", fmt.Errorf("fetch PostgreSQL: %w", err)
	}
	return bin, nil
}

// unpack puts the programs into work/server. The library has no call for that
// alone: it goes on to start a server, which is stopped. As root it can not,
// and the programs are there all the same.
func unpack(repository, work string) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	server := filepath.Join(work, "server")
	var log strings.Builder
	db := embedded.NewDatabase(embedded.DefaultConfig().Version(fetched).Port(uint32(port)).Logger(&log).BinaryRepositoryURL(repository).
		CachePath(filepath.Join(work, "download")).BinariesPath(server).RuntimePath(filepath.Join(work, "run")))
	startErr := db.Start()
	if startErr == nil {
		startErr = db.Stop()
	}
	if !complete(filepath.Join(server, "bin")) {
		return errors.Join(startErr, errors.New("the programs were not in what was fetched"))
	}
	return os.Chmod(server, 0o755)
}

// cacheFolder keeps what was fetched. Root's own cache can not be read by the
// user that the server runs as.
func cacheFolder() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/cache/quack/postgres", nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a folder to keep PostgreSQL in: %w", err)
	}
	return filepath.Join(dir, "quack", "postgres"), nil
}
