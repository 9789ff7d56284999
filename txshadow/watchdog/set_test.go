package watchdog_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/quackproxy/quack/txshadow/watchdog"
)

// A set follows the table: settings change in place, databases come and go.
func TestSet(t *testing.T) {
	w := newWorld(t)
	set := watchdog.NewSet(slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- set.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	use := func(specs ...watchdog.Spec) {
		t.Helper()
		if err := set.Use(specs); err != nil {
			t.Fatal(err)
		}
	}
	use(watchdog.Spec{Name: "shop", DSN: w.dsn, Settings: watchdog.Settings{MaxShadows: 1}}, watchdog.Spec{Name: "other", Settings: watchdog.Settings{MaxShadows: 1}})
	w.until("shop is watched", func() bool { s := set.States(); return len(s) == 2 && s[1].Database == "shop" && s[1].Watching })
	leave, refusal := set.Enter("shop")
	if _, second := set.Enter("shop"); refusal != "" || second != watchdog.Full {
		t.Errorf("%q, %q", refusal, second)
	}
	use(watchdog.Spec{Name: "shop", DSN: w.dsn, Settings: watchdog.Settings{MaxShadows: 2}})
	if s := set.States(); len(s) != 1 || s[0].UnderWay != 1 || s[0].Max != 2 || !s[0].Watching {
		t.Errorf("%+v", s)
	}
	leave()
	if _, refusal := set.Enter("other"); refusal != "" {
		t.Errorf("one that is gone refuses: %q", refusal)
	}
	if err := set.Use([]watchdog.Spec{{Name: "shop", DSN: "postgres://host:notaport/"}}); err == nil {
		t.Error("a bad DSN is taken")
	}
	if s := set.States(); len(s) != 1 || s[0].Max != 2 {
		t.Errorf("an error has changed something: %+v", s)
	}
	use()
	w.until("its session is gone", func() bool {
		var n int
		if err := w.session("look").QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'quack watchdog' AND datname = current_database()").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n == 0
	})
}
