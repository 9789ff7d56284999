package shadow

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/quackproxy/quack/compare"
)

// codec is the header protocol with a secret, both ends, as far as the tests
// need it.
type codec struct{ secret string }

func (c codec) sign(fields ...string) string {
	mac := hmac.New(sha256.New, []byte(c.secret))
	mac.Write([]byte(strings.Join(fields, "\n")))
	return hex.EncodeToString(mac.Sum(nil))
}

func (c codec) MarkContext(h http.Header, id, role string, at time.Time, readOnly bool) {
	h.Set("Quack-Request-Id", id)
	h.Set("Quack-Role", role)
	h.Set("Quack-Time", at.Format(time.RFC3339Nano))
	if readOnly {
		h.Set("Quack-Read-Only", "1")
	}
}

func (c codec) MarkShadow(h http.Header, id string, mode Mode, budget time.Duration, method, target string, body []byte) {
	t, ms := strconv.FormatInt(time.Now().Unix(), 10), strconv.FormatInt(budget.Milliseconds(), 10)
	sum := sha256.Sum256(body)
	sig := c.sign("quack-shadow-v1", id, string(mode), t, ms, method, target, hex.EncodeToString(sum[:]))
	h.Set("Quack-Shadow", fmt.Sprintf("v1;id=%s;mode=%s;t=%s;budget=%s;target=%s;sig=%s",
		id, mode, t, ms, base64.RawURLEncoding.EncodeToString([]byte(target)), sig))
	h.Add("Baggage", "quack.shadow="+id+"."+c.sign("quack-nested-v1", id))
}

func (c codec) Nested(h http.Header) bool {
	return strings.Contains(h.Get("Baggage"), "quack.shadow=")
}

func (c codec) Acknowledged(h http.Header, id string) (Ack, error) {
	got := fields(h.Get("Quack-Shadow-Result"))
	if len(got) == 0 {
		return Ack{}, errors.New("no Quack-Shadow-Result")
	}
	if got["id"] != id {
		return Ack{}, fmt.Errorf("Quack-Shadow-Result of request %q", got["id"])
	}
	if got["sig"] != c.sign("quack-result-v1", id, got["outcome"], got["reason"]) {
		return Ack{}, errors.New("Quack-Shadow-Result does not verify")
	}
	return Ack{Outcome: got["outcome"], Reason: got["reason"], Footprint: footprint(h.Get("Quack-Footprint"))}, nil
}

// result is the acknowledgement that an adapter sends.
func (c codec) result(id, outcome, reason string) string {
	return fmt.Sprintf("v1;id=%s;outcome=%s;reason=%s;sig=%s", id, outcome, reason, c.sign("quack-result-v1", id, outcome, reason))
}

// asked reads Quack-Shadow as an adapter does.
func (c codec) asked(r *http.Request, body []byte) (id string, mode Mode, err error) {
	got := fields(r.Header.Get("Quack-Shadow"))
	target, _ := base64.RawURLEncoding.DecodeString(got["target"])
	sum := sha256.Sum256(body)
	want := c.sign("quack-shadow-v1", got["id"], got["mode"], got["t"], got["budget"], r.Method, string(target), hex.EncodeToString(sum[:]))
	if got["sig"] != want || string(target) != r.RequestURI {
		return "", "", errors.New("Quack-Shadow does not verify")
	}
	return got["id"], Mode(got["mode"]), nil
}

func fields(header string) map[string]string {
	m := make(map[string]string)
	for part := range strings.SplitSeq(header, ";") {
		if k, v, ok := strings.Cut(part, "="); ok {
			m[k] = v
		}
	}
	return m
}

// footprint reads "accounts=1 audit=2": rows inserted.
func footprint(header string) compare.Footprint {
	if header == "" {
		return nil
	}
	f := compare.Footprint{}
	for part := range strings.FieldsSeq(header) {
		table, n, _ := strings.Cut(part, "=")
		rows, _ := strconv.ParseInt(n, 10, 64)
		f = append(f, compare.TableRows{Table: table, Inserted: rows})
	}
	return f
}
