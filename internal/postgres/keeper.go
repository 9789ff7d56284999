package postgres

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// keeper makes the cluster, runs the server and waits. When its input ends,
// because Stop closed it or because the process that held it is gone, it stops
// the server; when the server is gone, for whatever reason, it removes the
// folder and ends. The server is the keeper's own child, so that its process
// id can not come to mean another process before it is waited for.
//
// The interrupt (a fast shutdown) is repeated: the shell starts the server
// with interrupts ignored, and one that comes before the server has set its
// own handler is lost. A server that ends while the file "again" is there is
// started again.
const keeper = `
bin=$1 dir=$2 host=$3
shift 3
exec 3<&0 </dev/null
umask 077
end() {
	[ "$1" -eq 0 ] || tail -n 20 "$dir/log"
	rm -rf "$dir"
	exit "$1"
}
set -- "$bin/postgres" "$@"
pw=
[ "$host" = trust ] || pw=--pwfile=$dir/password
"$bin/initdb" -D "$dir/data" -U postgres -E UTF8 --locale=C --no-sync \
	--auth-local=trust --auth-host="$host" $pw >"$dir/log" 2>&1 3<&- || end 1
rm -f "$dir/password"
"$@" >>"$dir/log" 2>&1 3<&- &
server=$!
echo "$server" >"$dir/server"
{
	cat <&3
	tries=0
	while [ "$tries" -lt 50 ] && kill -INT "$(cat "$dir/server")"; do
		tries=$((tries + 1))
		sleep 0.1
	done
	kill -QUIT "$(cat "$dir/server")"
} >/dev/null 2>&1 &
watch=$!
exec 3<&-
while wait "$server"; status=$?; [ -e "$dir/again" ]; do
	rm -f "$dir/again"
	"$@" >>"$dir/log" 2>&1 &
	server=$!
	echo "$server" >"$dir/server"
done
kill "$watch" 2>/dev/null
end "$status"
`

// keep starts the keeper in a session of its own, so that neither the
// terminal's interrupt nor its hang-up reach the server: who uses the cluster
// decides when it stops.
func (c *Cluster) keep(bin string, account account, more map[string]string) error {
	host := "trust"
	if c.password != "" {
		host = "scram-sha-256"
		file := filepath.Join(c.dir, "password")
		if err := os.WriteFile(file, []byte(c.password), 0o600); err != nil {
			return err
		}
		if err := account.give(file); err != nil {
			return err
		}
	}
	input, hold, err := os.Pipe()
	if err != nil {
		return err
	}
	defer input.Close()
	said, output, err := os.Pipe()
	if err != nil {
		return errors.Join(err, hold.Close())
	}
	defer output.Close()
	args := append([]string{"-c", keeper, "quack-postgres", bin, c.dir, host}, c.arguments(more)...)
	cmd := exec.Command("/bin/sh", args...)
	cmd.Dir = c.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "HOME=" + c.dir}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = input, output, output
	cmd.SysProcAttr = account.attributes()
	if err := cmd.Start(); err != nil {
		return errors.Join(err, hold.Close(), said.Close())
	}
	c.cmd, c.hold, c.said = cmd, hold, said
	return nil
}

// Stop stops the server, whoever is connected, removes the cluster's folder
// and returns when both are gone. A second call returns an error.
func (c *Cluster) Stop() error {
	if err := c.hold.Close(); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	defer c.said.Close()
	if err := c.said.SetReadDeadline(time.Now().Add(stopTimeout)); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	_, late := io.Copy(io.Discard, c.said)
	if late != nil {
		killSession(c.cmd.Process.Pid)
		os.RemoveAll(c.dir)
	}
	if err := errors.Join(late, c.cmd.Wait()); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	return nil
}
