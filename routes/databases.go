package routes

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Database is a database that backends write to, and how live traffic on it is
// kept from shadow writes. Its address is not here: see Env.
type Database struct {
	Name       string
	MaxShadows int // shadow writes at once, over all backends; default 4
	Watchdog   Watchdog
	Busy       Busy

	Position Position

	stated []string // what the file says, for people
}

// Watchdog says when a shadow that stands in a live session's way is ended.
type Watchdog struct {
	Off   bool
	Grace time.Duration // how long a live session waits for it; default 100ms
	Cap   time.Duration // how old its transaction may be; default: the longest budget of the database's routes + 1s
}

// Busy says what a database may have to do before shadow writes are left out.
// Zero is no limit.
type Busy struct {
	Connections       float64       // share of what the server takes, 0 to 1; default 80%
	ReplicationLag    time.Duration // default 10s
	OldestTransaction time.Duration // of a live session, or prepared; default 5m
	RetainedWAL       int64         // bytes that a slot of shadows keeps, or of a standby that is away; default 1GiB
	LocksWaiting      int           // live sessions that wait for a lock; default 20
}

const (
	maxShadows     = 1000
	maxRetainedWAL = 1 << 50
	defaultShadows = 4
	defaultGrace   = 100 * time.Millisecond
	allowanceOfCap = time.Second // above the longest budget
	busyForm       = "{connections: 80%, replication_lag: 10s, oldest_transaction: 5m, retained_wal: 1GiB, locks_waiting: 20}"
	watchdogForm   = "{grace: 100ms, cap: 2s}"
)

func newDatabase(e yamlEntry) *Database {
	return &Database{Name: e.key, Position: e.pos, MaxShadows: defaultShadows, Watchdog: Watchdog{Grace: defaultGrace},
		Busy: Busy{Connections: 0.8, ReplicationLag: 10 * time.Second, OldestTransaction: 5 * time.Minute, RetainedWAL: 1 << 30, LocksWaiting: 20}}
}

// Env is the environment variable that holds the address (DSN) of the database.
func (d *Database) Env() string { return databaseEnv(d.Name) }

// Databases are all databases, sorted by name.
func (t *Table) Databases() []*Database {
	var list []*Database
	for _, name := range sortedKeys(t.databases) {
		list = append(list, t.databases[name])
	}
	return list
}

// ShadowDatabases are the databases that a backend with rollback names, sorted
// by name: those that shadow writes may reach.
func (t *Table) ShadowDatabases() []*Database {
	return slices.DeleteFunc(t.Databases(), func(d *Database) bool {
		return !slices.ContainsFunc(t.backends, func(b *Backend) bool { return b.Database == d.Name && b.RollsBack() })
	})
}

// databaseEnv is the environment variable of a database's address.
func databaseEnv(name string) string {
	return "QUACK_DB_" + strings.NewReplacer("-", "_", ".", "_").Replace(strings.ToUpper(name))
}

// readDatabases reads the databases. Their addresses hold passwords and are not
// taken, nor shown.
func (l *loader) readDatabases(_ Position, n *yamlNode) {
	if !l.is(n, "databases", yamlMapping) {
		return
	}
	variables := map[string]string{}
	for _, e := range n.entries {
		l.identifier(e, "database")
		l.databases[e.key] = l.database(e)
		env := databaseEnv(e.key)
		if other, twice := variables[env]; twice {
			l.fault(e.pos, fmt.Sprintf("databases %s and %s would share the environment variable %s", other, e.key, env), "rename one of the two")
		}
		variables[env] = e.key
	}
}

// database reads one database.
func (l *loader) database(e yamlEntry) *Database {
	d := newDatabase(e)
	if e.val.kind == yamlNull || e.val.kind == yamlBad {
		return d
	}
	if e.val.kind != yamlMapping || e.val.has("dsn") || e.val.has("url") {
		l.fault(e.val.pos, fmt.Sprintf("database %s: an address of a database does not belong in routes.yaml", e.key),
			fmt.Sprintf("put the address in the environment variable %s and write %s: {}", d.Env(), e.key))
		return d
	}
	l.mapping(e.val, "database "+e.key,
		field{"max_shadows", func(_ Position, n *yamlNode) {
			d.MaxShadows = l.count(n, "max_shadows", 1, maxShadows)
			d.say("max_shadows: %d", d.MaxShadows)
		}},
		field{"watchdog", func(_ Position, n *yamlNode) { l.readWatchdog(d, n) }},
		field{"busy", func(_ Position, n *yamlNode) { l.readBusy(d, n) }},
	)
	return d
}

func (d *Database) say(format string, args ...any) {
	d.stated = append(d.stated, fmt.Sprintf(format, args...))
}

func (l *loader) readWatchdog(d *Database, n *yamlNode) {
	off, ok := l.switchedOff(n, "watchdog", watchdogForm)
	if off {
		d.Watchdog.Off = true
		d.say("watchdog: off")
	}
	if off || !ok {
		return
	}
	l.mapping(n, "watchdog",
		field{"grace", func(_ Position, v *yamlNode) {
			d.Watchdog.Grace, _ = l.duration(v, "watchdog.grace", true)
			d.say("watchdog.grace: %s", showDuration(d.Watchdog.Grace))
		}},
		field{"cap", func(_ Position, v *yamlNode) {
			d.Watchdog.Cap, _ = l.duration(v, "watchdog.cap", false)
			d.say("watchdog.cap: %s", showDuration(d.Watchdog.Cap))
		}},
	)
}

func (l *loader) readBusy(d *Database, n *yamlNode) {
	off, ok := l.switchedOff(n, "busy", busyForm)
	if off {
		d.Busy = Busy{}
		d.say("busy: off")
	}
	if off || !ok {
		return
	}
	limit := func(key string, read func(*yamlNode, string), none func()) field {
		return field{key, func(_ Position, v *yamlNode) {
			if v.kind == yamlString && v.text == "off" {
				none()
			} else {
				read(v, "busy."+key)
			}
			d.say("busy.%s: %s", key, v.text)
		}}
	}
	b := &d.Busy
	l.mapping(n, "busy",
		limit("connections", func(v *yamlNode, key string) {
			if b.Connections, ok = l.share(v, key); ok && b.Connections == 0 {
				l.fault(v.pos, key+" is 0%", "no shadow would ever run: write off for no limit")
			}
		}, func() { b.Connections = 0 }),
		limit("replication_lag", func(v *yamlNode, key string) { b.ReplicationLag, _ = l.duration(v, key, false) }, func() { b.ReplicationLag = 0 }),
		limit("oldest_transaction", func(v *yamlNode, key string) { b.OldestTransaction, _ = l.duration(v, key, false) }, func() { b.OldestTransaction = 0 }),
		limit("retained_wal", func(v *yamlNode, key string) { b.RetainedWAL, _ = l.bytes(v, key, maxRetainedWAL) }, func() { b.RetainedWAL = 0 }),
		limit("locks_waiting", func(v *yamlNode, key string) { b.LocksWaiting = l.count(v, key, 1, 1_000_000) }, func() { b.LocksWaiting = 0 }),
	)
}

// checkCaps gives each database its cap, and reports one that would end shadows
// within their budget.
func (l *loader) checkCaps(routes []*Route) {
	for _, name := range sortedKeys(l.databases) {
		d := l.databases[name]
		longest := time.Duration(0)
		for _, r := range routes {
			for _, b := range []*Backend{r.Legacy, r.New} {
				if b != nil && b.Database == d.Name && !r.Safe {
					longest = max(longest, r.Shadow.Budget)
				}
			}
		}
		if d.Watchdog.Cap == 0 {
			d.Watchdog.Cap = longest + allowanceOfCap
		} else if d.Watchdog.Cap <= longest {
			l.add(d.Position, "", fmt.Sprintf("database %s: the watchdog's cap %s is not longer than the budget %s of a route", d.Name, showDuration(d.Watchdog.Cap), showDuration(longest)),
				"it would end shadows that are within their budget: raise the cap, or leave it out")
		}
	}
}

// text is the database as `quack check` shows it.
func (d *Database) text() string {
	return strings.Join(append([]string{d.Name, "DSN in " + d.Env()}, d.stated...), "  ")
}

// protection says how live traffic is kept from shadow writes.
func (d *Database) protection() string {
	text := fmt.Sprintf("at most %d shadow writes at once", d.MaxShadows)
	if d.Watchdog.Off {
		return text + "; no watchdog"
	}
	return text + fmt.Sprintf("; one that a live session waits for longer than %s is ended (needs %s)", showDuration(d.Watchdog.Grace), d.Env())
}

// shadowDatabase is where a shadow of an unsafe request would write, to be
// rolled back; nil when none would.
func (t *Table) shadowDatabase(r *Route, method string) *Database {
	if r.SafeFor(method) || r.Shadow.Order == OrderClone || r.Shadow.Sample == 0 {
		return nil
	}
	for _, side := range r.sidesShadowed() {
		if b := r.Backend(side); b != nil && b.Database != "" {
			return t.databases[b.Database]
		}
	}
	return nil
}
