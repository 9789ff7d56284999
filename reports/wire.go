package reports

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/quackproxy/quack/compare"
)

// wireComparison is the JSON form of a Comparison.
type wireComparison struct {
	ID          string             `json:"id"`
	At          time.Time          `json:"at"`
	Route       string             `json:"route"`
	Stage       string             `json:"stage"`
	Live        string             `json:"live"`
	First       string             `json:"first"`
	Verdict     Verdict            `json:"verdict"`
	Unsteady    bool               `json:"unsteady,omitempty"`
	Suspect     bool               `json:"suspect,omitempty"`
	Unverified  bool               `json:"unverified,omitempty"`
	Rechecked   int                `json:"rechecked"`
	Err         string             `json:"error,omitempty"`
	Writes      string             `json:"writes,omitempty"`
	WritesNote  string             `json:"writes_note,omitempty"`
	Request     wireRequest        `json:"request"`
	Legacy      wireSide           `json:"legacy"`
	New         wireSide           `json:"new"`
	Differences []Found            `json:"differences"`
	Forgiven    []compare.Forgiven `json:"forgiven"`
	Unlisted    int                `json:"unlisted,omitempty"`
	ByPosition  []string           `json:"by_position,omitempty"`
}

// wireBody is a body: text as it is, anything else in base64, absent when it is
// not kept.
type wireBody struct {
	Body   *string `json:"body,omitempty"`
	Base64 bool    `json:"body_base64,omitempty"`
	Size   int64   `json:"body_size"` // bytes as they came
	Note   string  `json:"body_note,omitempty"`
}

type wireRequest struct {
	Method string      `json:"method"`
	Target string      `json:"target"`
	Host   string      `json:"host"`
	Header http.Header `json:"header"`
	wireBody
}

type wireSide struct {
	Backend    string      `json:"backend"`
	URL        string      `json:"url"`
	LatencyMS  float64     `json:"latency_ms"`
	Status     int         `json:"status"`
	Header     http.Header `json:"header"`
	Trailer    http.Header `json:"trailer,omitempty"`
	Digest     string      `json:"body_digest,omitempty"`
	Incomplete string      `json:"incomplete,omitempty"`

	Footprint compare.Footprint `json:"footprint"` // null when unknown
	Effects   compare.Effects   `json:"effects,omitempty"`
	// Writes is absent when it is unknown which rows were written; WritesNote says
	// what was left out of them.
	Writes     compare.WriteSet `json:"writes,omitzero"`
	WritesNote string           `json:"writes_note,omitempty"`
	wireBody
}

// MarshalJSON writes a comparison for people and programs: bodies as text
// where they are UTF-8, headers as objects, latencies in milliseconds.
func (c Comparison) MarshalJSON() ([]byte, error) {
	w := wireComparison{
		ID: c.ID, At: c.At, Route: c.Route, Stage: c.Stage, Live: c.Live, First: c.First, Verdict: c.Verdict, Unsteady: c.Unsteady,
		Suspect: c.Suspect, Unverified: c.Unverified, Rechecked: c.Rechecked,
		Err: c.Err, Writes: c.Writes, WritesNote: c.WritesNote, Differences: c.Differences, Forgiven: c.Forgiven,
		Unlisted: c.Unlisted, ByPosition: c.ByPosition,
		Request: wireRequest{
			Method: c.Request.Method, Target: c.Request.Target, Host: c.Request.Host, Header: c.Request.Header,
			wireBody: bodyToWire(c.Request.Body, c.Request.BodySize, c.Request.BodyNote),
		},
		Legacy: sideToWire(c.Legacy), New: sideToWire(c.New),
	}
	if w.Differences == nil {
		w.Differences = []Found{}
	}
	if w.Forgiven == nil {
		w.Forgiven = []compare.Forgiven{}
	}
	return json.Marshal(w)
}

func sideToWire(s Side) wireSide {
	a := s.Answer
	w := wireSide{
		Backend: s.Backend, URL: s.URL, LatencyMS: float64(s.Latency) / float64(time.Millisecond),
		Status: a.Status, Header: a.Header, Trailer: a.Trailer, Incomplete: a.Incomplete,
		Footprint: a.Footprint, Effects: a.Effects, Writes: a.Writes, WritesNote: s.WritesNote,
		wireBody: bodyToWire(a.Body, a.Size, s.BodyNote),
	}
	if a.Digest != [32]byte{} {
		w.Digest = hex.EncodeToString(a.Digest[:])
	}
	return w
}

func bodyToWire(body []byte, size int64, note string) wireBody {
	w := wireBody{Size: size, Note: note}
	if body == nil {
		return w
	}
	text, packed := textOf(body)
	w.Body, w.Base64 = &text, packed
	return w
}

// textOf is a body as it is where that is UTF-8, else in base64.
func textOf(body []byte) (text string, packed bool) {
	if utf8.Valid(body) {
		return string(body), false
	}
	return base64.StdEncoding.EncodeToString(body), true
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *Comparison) UnmarshalJSON(b []byte) error {
	var w wireComparison
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*c = Comparison{
		ID: w.ID, At: w.At, Route: w.Route, Stage: w.Stage, Live: w.Live, First: w.First, Verdict: w.Verdict, Unsteady: w.Unsteady,
		Suspect: w.Suspect, Unverified: w.Unverified, Rechecked: w.Rechecked, Unlisted: w.Unlisted, ByPosition: w.ByPosition,
		Err: w.Err, Writes: w.Writes, WritesNote: w.WritesNote,
		Request: Request{Method: w.Request.Method, Target: w.Request.Target, Host: w.Request.Host, Header: w.Request.Header, BodySize: w.Request.Size, BodyNote: w.Request.Note},
	}
	if len(w.Differences) > 0 {
		c.Differences = w.Differences
	}
	if len(w.Forgiven) > 0 {
		c.Forgiven = w.Forgiven
	}
	var err error
	if c.Request.Body, err = w.Request.bytes(); err != nil {
		return fmt.Errorf("body of the request: %w", err)
	}
	if c.Legacy, err = w.Legacy.side(); err != nil {
		return fmt.Errorf("answer of legacy: %w", err)
	}
	if c.New, err = w.New.side(); err != nil {
		return fmt.Errorf("answer of new: %w", err)
	}
	return nil
}

func (w wireSide) side() (Side, error) {
	s := Side{
		Backend: w.Backend, URL: w.URL, Latency: time.Duration(math.Round(w.LatencyMS * float64(time.Millisecond))), BodyNote: w.Note,
		Answer: compare.Exchange{
			Status: w.Status, Header: w.Header, Trailer: w.Trailer, Size: w.Size, Incomplete: w.Incomplete,
			Footprint: w.Footprint, Effects: w.Effects, Writes: w.Writes,
		},
		WritesNote: w.WritesNote,
	}
	var err error
	if s.Answer.Body, err = w.bytes(); err != nil {
		return s, fmt.Errorf("body: %w", err)
	}
	if w.Digest != "" {
		digest, err := hex.DecodeString(w.Digest)
		if err != nil || len(digest) != len(s.Answer.Digest) {
			return s, fmt.Errorf("%q is no digest", w.Digest)
		}
		copy(s.Answer.Digest[:], digest)
	}
	return s, nil
}

func (w wireBody) bytes() ([]byte, error) {
	switch {
	case w.Body == nil:
		return nil, nil
	case w.Base64:
		return base64.StdEncoding.DecodeString(*w.Body)
	}
	return []byte(*w.Body), nil
}
