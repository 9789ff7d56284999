package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/quackproxy/quack/store"
)

// writeUntilKilled is the child of TestKilledProcessLosesNothing: it says a
// number on stdout after the row of that number has been acknowledged.
func writeUntilKilled(dir string) {
	db, err := store.Open(context.Background(), dir, ducks)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for i := 1; ; i++ {
		if err := add(context.Background(), db, "acknowledged"); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(i)
	}
}

func TestKilledProcessLosesNothing(t *testing.T) {
	dir := t.TempDir()
	total := 0
	for round := range 3 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "STORE_TEST_WRITE_UNTIL_KILLED="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines, acknowledged := bufio.NewScanner(out), 0
		for lines.Scan() {
			if _, err := fmt.Sscan(lines.Text(), &acknowledged); err != nil {
				t.Fatalf("child: %s", lines.Text())
			}
			if acknowledged == 40+round {
				child.Process.Kill()
			}
		}
		child.Wait()
		total += acknowledged
		db := open(t, dir, ducks)
		n := count(t, db, `SELECT count(*) FROM ducks_ducks`)
		// The row under way at the kill may be there or not.
		if n < total || n > total+1 {
			t.Errorf("round %d: %d rows, %d were acknowledged", round, n, total)
		}
		total = n
		db.Close()
	}
}
