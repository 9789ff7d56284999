package conformance

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quackproxy/quack/internal/postgres/pgtest"
	"github.com/quackproxy/quack/txshadow"
)

// suite is an app under test with its database.
type suite struct {
	whole   *testing.T // of which the cases are subtests
	app     App
	db      *database
	outside *outside
	process *process
	orphan  string // what the killed app has left prepared; "" for nothing

	secrets [2]string // the app accepts both
	codec   *txshadow.Codec
}

// budget of shadows that are not about budgets: nothing meets it by the
// slowness of the machine.
const budget = 15 * time.Second

// newSuite starts app with a database of its own, until t's end.
func newSuite(t *testing.T, app App) *suite {
	t.Helper()
	app.setDefaults()
	s := &suite{whole: t, app: app, db: openDatabase(t, pgtest.NewDatabase(t)), outside: newOutside(t)}
	s.start(t, settings{dsn: s.db.dsn, wallCap: relaxed})
	return s
}

// start starts the app until t's end, with new secrets the first time.
func (s *suite) start(t *testing.T, set settings) { s.startFor(t, t, set) }

// startFor starts the app until owner's end, which may come after t's.
func (s *suite) startFor(t, owner *testing.T, set settings) {
	t.Helper()
	if s.codec == nil {
		s.secrets = [2]string{rand.Text() + rand.Text(), rand.Text() + rand.Text()}
		s.codec = codec(t, s.secrets[0])
	}
	s.process = s.app.start(t, owner, set, s.secrets[0]+","+s.secrets[1], s.outside.url)
}

func codec(t *testing.T, secret string) *txshadow.Codec {
	t.Helper()
	list, err := txshadow.ParseSecrets(secret)
	if err != nil {
		t.Fatal(err)
	}
	c, err := txshadow.NewCodec(list...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// settled wants the app alive, unless it was killed, and nothing of it open.
func (s *suite) settled(t *testing.T) {
	t.Helper()
	s.db.settles(t)
	if !s.process.killed && !s.process.up() {
		t.Error("the app does not answer any more")
	}
}

// request is what is sent to the app.
type request struct {
	method, target string
	body           any // as JSON; nil for none

	mode   txshadow.Mode // "" for a live request
	budget time.Duration // 0 for the usual one
}

func (r request) shadow() request {
	r.mode = txshadow.ModeRollback
	return r
}

func (r request) String() string { return r.method + " " + r.target }

func post(target string, body any) request {
	return request{method: http.MethodPost, target: target, body: body}
}

func get(target string) request { return request{method: http.MethodGet, target: target} }

// fields is a JSON object.
type fields = map[string]any

func (r request) bytes() []byte {
	if r.body == nil {
		return nil
	}
	b, err := json.Marshal(r.body)
	if err != nil {
		panic(err)
	}
	return b
}

// unsigned is the request without any mark of Quack.
func (s *suite) unsigned(t *testing.T, r request) *http.Request {
	t.Helper()
	body := r.bytes()
	h, err := http.NewRequestWithContext(t.Context(), r.method, s.process.url+r.target, strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		h.Header.Set("Content-Type", "application/json")
	}
	h.Header.Set("Accept", "application/json")
	return h
}

// marked is the request as Quack sends it.
func (s *suite) marked(t *testing.T, r request) *http.Request {
	t.Helper()
	h, id := s.unsigned(t, r), rand.Text()
	if r.mode == "" {
		s.codec.MarkContext(h.Header, id, "live", time.Now(), false)
		return h
	}
	limit := r.budget
	if limit == 0 {
		limit = budget
	}
	s.codec.MarkContext(h.Header, id, "shadow", time.Now(), false)
	s.codec.MarkShadow(h.Header, id, r.mode, limit, r.method, r.target, r.bytes())
	return h
}

// mark is what a Quack-Shadow for r says when all of it is right.
func (s *suite) mark(r request, mode txshadow.Mode) mark {
	return mark{
		id: rand.Text(), mode: string(mode), at: time.Now(), budget: budget,
		method: r.method, target: r.target, body: r.bytes(), secret: s.secrets[0],
	}
}

// carrying is the request r with a mark.
func (s *suite) carrying(t *testing.T, r request, m mark) *http.Request {
	t.Helper()
	h := s.unsigned(t, r)
	h.Header.Set(txshadow.HeaderRequestID, m.id)
	h.Header.Set(txshadow.HeaderShadow, m.header())
	return h
}

// mark is a Quack-Shadow signed by hand, for what [txshadow.Codec] does not
// sign and for what is wrong with it.
type mark struct {
	id, mode       string
	at             time.Time
	budget         time.Duration
	method, target string
	body           []byte
	gid            string // of mode=prepare
	secret         string
}

func (m mark) header() string {
	sum := sha256.Sum256(m.body)
	t, ms := fmt.Sprint(m.at.Unix()), fmt.Sprint(m.budget.Milliseconds())
	signed := []string{"quack-shadow-v1", m.id, m.mode, t, ms, m.method, m.target, hex.EncodeToString(sum[:])}
	gid := ""
	if m.gid != "" {
		signed, gid = append(signed, m.gid), ";gid="+m.gid
	}
	mac := hmac.New(sha256.New, []byte(m.secret))
	io.WriteString(mac, strings.Join(signed, "\n"))
	return "v1;id=" + m.id + ";mode=" + m.mode + ";t=" + t + ";budget=" + ms +
		";target=" + base64.RawURLEncoding.EncodeToString([]byte(m.target)) + gid + ";sig=" + hex.EncodeToString(mac.Sum(nil))
}

// reply is an answer and its acknowledgement.
type reply struct {
	status int
	header http.Header
	body   string
	took   time.Duration

	ack txshadow.Ack
	err error // why there is no acknowledgement
}

// client keeps no connection, so that none is left when the app is killed.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}

// try sends h. An error means that no answer came.
func (s *suite) try(h *http.Request) (reply, error) {
	began := time.Now()
	resp, err := client.Do(h)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, err
	}
	out := reply{status: resp.StatusCode, header: resp.Header, body: string(body), took: time.Since(began)}
	out.ack, out.err = s.codec.Acknowledged(resp.Header, h.Header.Get(txshadow.HeaderRequestID))
	return out, nil
}

// sendAway sends h while the test goes on; the function that it returns waits
// for the answer.
func (s *suite) sendAway(h *http.Request) func(*testing.T) reply {
	var out reply
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		out, err = s.try(h)
	}()
	return func(t *testing.T) reply {
		t.Helper()
		if <-done; err != nil {
			t.Fatalf("%s %s: %v", h.Method, h.URL, err)
		}
		return out
	}
}

// sendInVain sends h; the channel that it returns gives the answer, or an empty
// one when none can come any more.
func (s *suite) sendInVain(h *http.Request) <-chan reply {
	answer := make(chan reply, 1)
	go func() {
		out, _ := s.try(h)
		answer <- out
	}()
	return answer
}

func (s *suite) do(t *testing.T, h *http.Request) reply {
	t.Helper()
	out, err := s.try(h)
	if err != nil {
		t.Fatalf("%s %s: %v", h.Method, h.URL, err)
	}
	return out
}

// live sends r as Quack sends live requests.
func (s *suite) live(t *testing.T, r request) reply {
	t.Helper()
	return s.do(t, s.marked(t, r))
}

// rolledBack sends r as a shadow, wants it acknowledged as rolled back, and
// wants nothing of it to be left.
func (s *suite) rolledBack(t *testing.T, r request) (out reply) {
	t.Helper()
	s.db.unchanged(t, func() {
		out = s.do(t, s.marked(t, r))
		s.db.settles(t)
	})
	if out.err != nil {
		t.Fatalf("%s: no acknowledgement: %v\n%d %s", r, out.err, out.status, out.body)
	}
	if out.ack.Outcome != txshadow.RolledBack {
		t.Fatalf("%s: outcome %q", r, out.ack.Outcome)
	}
	return out
}

// rolledBackFor says whether a shadow was acknowledged as rolled back, with that
// reason ("" for none).
func (out reply) rolledBackFor(reason string) bool {
	return out.err == nil && out.ack.Outcome == txshadow.RolledBack && out.ack.Reason == reason
}

// object is the answer's body.
func (out reply) object(t *testing.T) (v fields) {
	t.Helper()
	if err := json.Unmarshal([]byte(out.body), &v); err != nil {
		t.Fatalf("the answer is no JSON object: %v\n%d %s", err, out.status, out.body)
	}
	return v
}
