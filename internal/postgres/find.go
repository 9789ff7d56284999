package postgres

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// homes are where packages put the server's programs; the newest version wins.
var homes = []string{
	"/usr/lib/postgresql/*/bin",            // Debian, Ubuntu
	"/usr/pgsql-*/bin",                     // PostgreSQL's own packages for Red Hat
	"/opt/homebrew/opt/postgresql@*/bin",   // Homebrew on Apple silicon
	"/usr/local/opt/postgresql@*/bin",      // Homebrew on Intel
	"/usr/libexec/postgresql*",             // Alpine
	"/Applications/Postgres.app/*/*/*/bin", // Postgres.app
}

// programs is the folder of initdb and postgres: of $QUACK_PG_BIN, of the
// PATH, of a package, else installed or fetched.
func programs(ctx context.Context, progress io.Writer) (string, error) {
	if bin, err := find(); bin != "" || err != nil {
		return bin, err
	}
	return provide(ctx, progress)
}

// provide installs or fetches the programs.
func provide(ctx context.Context, progress io.Writer) (string, error) {
	if progress == nil {
		progress = io.Discard
	}
	release, err := lockInstall()
	if err != nil {
		return "", err
	}
	defer release()
	if bin, err := find(); bin != "" || err != nil {
		return bin, err // another process has installed it meanwhile
	}
	var aptErr error
	if canInstall() {
		fmt.Fprintln(progress, "PostgreSQL is not on this machine: installing it with apt-get …")
		if aptErr = install(ctx); aptErr == nil {
			if bin, err := find(); bin != "" || err != nil {
				return bin, err
			}
		}
	}
	fmt.Fprintln(progress, "PostgreSQL is not on this machine: fetching it …")
	cache, err := cacheFolder()
	if err != nil {
		return "", err
	}
	bin, err := fetch(repository, cache)
	if err != nil {
		text := fmt.Sprintf("find PostgreSQL: not in PATH nor where packages put it; %v", err)
		if aptErr != nil {
			text += fmt.Sprintf("; %v", aptErr)
		}
		return "", fmt.Errorf("%s\n  install PostgreSQL 14 or later, or set QUACK_PG_BIN to the folder of its initdb and postgres", text)
	}
	return bin, nil
}

// find looks for the programs; "" when there are none.
func find() (string, error) {
	if dir := os.Getenv("QUACK_PG_BIN"); dir != "" {
		if !complete(dir) {
			return "", fmt.Errorf("find PostgreSQL: QUACK_PG_BIN is %q, and initdb and postgres are not both there\n  set it to the folder that has them, or unset it", dir)
		}
		return dir, nil
	}
	if initdb, err := exec.LookPath("initdb"); err == nil {
		// Homebrew and others link single programs into the PATH: the
		// server's files are found from where the link leads to.
		if initdb, err = filepath.EvalSymlinks(initdb); err == nil && complete(filepath.Dir(initdb)) {
			return filepath.Abs(filepath.Dir(initdb))
		}
	}
	var found []string
	for _, home := range homes {
		dirs, err := filepath.Glob(home)
		if err != nil {
			return "", fmt.Errorf("find PostgreSQL in %q: %w", home, err)
		}
		found = append(found, dirs...)
	}
	return newest(slices.DeleteFunc(found, func(dir string) bool { return !complete(dir) })), nil
}

// complete reports whether both programs are in dir.
func complete(dir string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			return false
		}
	}
	return true
}

var numbers = regexp.MustCompile(`\d+`)

// newest is the folder with the highest version in its name, "" of none.
func newest(dirs []string) string {
	if len(dirs) == 0 {
		return ""
	}
	version := func(dir string) int {
		all := numbers.FindAllString(dir, -1)
		if len(all) == 0 {
			return 0
		}
		n, err := strconv.Atoi(all[0])
		if err != nil {
			return 0
		}
		return n
	}
	return slices.MaxFunc(dirs, func(a, b string) int { return cmp.Compare(version(a), version(b)) })
}
