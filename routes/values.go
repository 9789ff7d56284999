package routes

import (
	"fmt"
	"math"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// maxBodyLimit bounds max_body: a copy of request and answer that long is kept
// in memory for each exchange that is compared.
const maxBodyLimit = 1 << 30

// duration reads a Go duration. zero says whether 0s is taken.
func (l *loader) duration(n *yamlNode, key string, zero bool) (time.Duration, bool) {
	const remedy = "write a number and its unit, ms, s, m or h: 250ms, 30s, 1m30s"
	if n.kind == yamlNumber {
		l.fault(n.pos, fmt.Sprintf("%s %s has no unit", key, quoted(n.text)), remedy)
		return 0, false
	}
	if !l.takes(n, key, yamlString, "a duration", remedy) {
		return 0, false
	}
	d, err := time.ParseDuration(n.text)
	switch {
	case err != nil:
		l.fault(n.pos, fmt.Sprintf("%s %s is not a duration", key, quoted(n.text)), remedy)
		return 0, false
	case d < 0:
		l.fault(n.pos, fmt.Sprintf("%s %s is negative", key, quoted(n.text)), remedy)
		return 0, false
	case d == 0 && !zero:
		l.fault(n.pos, key+" is zero", remedy)
		return 0, false
	}
	return d, true
}

// showDuration is d as it would be written in the file: 1m instead of 1m0s.
func showDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

// sizeUnits are the units of a size, the longer names first.
var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
	{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1},
}

const sizeRemedy = "write a whole number and its unit, B, kB, KiB, MB, MiB, GB or GiB: 64KiB, 1MiB"

// takesSize reports whether n can be a size, and reports a fault when not.
func (l *loader) takesSize(n *yamlNode, key string) bool {
	if n.kind == yamlNumber {
		l.fault(n.pos, fmt.Sprintf("%s %s has no unit", key, quoted(n.text)), sizeRemedy)
		return false
	}
	return l.takes(n, key, yamlString, "a size", sizeRemedy)
}

// size reads how much of a body is kept.
func (l *loader) size(n *yamlNode, key string) (int64, bool) {
	if !l.takesSize(n, key) {
		return 0, false
	}
	size, ok := parseSize(n.text)
	switch {
	case !ok:
		l.fault(n.pos, fmt.Sprintf("%s %s is not a size", key, quoted(n.text)), sizeRemedy)
		return 0, false
	case size == 0:
		l.fault(n.pos, key+" is zero", "say how much to keep: "+showSize(defaultMaxBody)+" is the default; shadow: {sample: 0%} compares nothing")
		return 0, false
	case size > maxBodyLimit:
		l.fault(n.pos, fmt.Sprintf("%s %s is too much", key, quoted(n.text)),
			"a copy is kept in memory for each comparison: use at most "+showSize(maxBodyLimit))
		return 0, false
	}
	return size, true
}

func parseSize(s string) (int64, bool) {
	for _, u := range sizeUnits {
		digits, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		v, err := strconv.ParseUint(digits, 10, 63)
		if err != nil {
			return 0, false
		}
		if int64(v) > math.MaxInt64/u.bytes {
			return math.MaxInt64, true
		}
		return int64(v) * u.bytes, true
	}
	return 0, false
}

// showSize is a size in the largest unit that it is a whole number of.
func showSize(size int64) string {
	best := fmt.Sprintf("%dB", size)
	for _, u := range sizeUnits {
		if s := fmt.Sprintf("%d%s", size/u.bytes, u.name); size%u.bytes == 0 && len(s) < len(best) {
			best = s
		}
	}
	return best
}

// share reads a percentage with its sign ("25%") as a share from 0 to 1. A bare
// number is refused: 0.5 could be meant either way.
func (l *loader) share(n *yamlNode, key string) (float64, bool) {
	const remedy = "write a percentage with its sign: 100%, 25% or 0.5%"
	if n.kind == yamlNumber {
		l.fault(n.pos, fmt.Sprintf("%s %s has no percent sign", key, quoted(n.text)), remedy)
		return 0, false
	}
	if !l.takes(n, key, yamlString, "a percentage", remedy) {
		return 0, false
	}
	digits, ok := strings.CutSuffix(n.text, "%")
	v, valid := parsePercent(digits)
	switch {
	case !ok || !valid:
		l.fault(n.pos, fmt.Sprintf("%s %s is not a percentage", key, quoted(n.text)), remedy)
		return 0, false
	case v < 0 || v > 100:
		l.fault(n.pos, fmt.Sprintf("%s %s is not between 0%% and 100%%", key, quoted(n.text)), remedy)
		return 0, false
	}
	return v / 100, true
}

// percent reads the number of percent of clients that a ramp moves.
func (l *loader) percent(n *yamlNode, key string) (float64, bool) {
	const remedy = "write a number from 0 to 100, without a sign: percent: 25"
	if n.kind != yamlNumber && n.kind != yamlString {
		return 0, l.takes(n, key, yamlNumber, "a number", remedy)
	}
	v, ok := parsePercent(n.text)
	switch {
	case n.kind == yamlString || !ok:
		l.fault(n.pos, fmt.Sprintf("%s %s is not a number", key, quoted(n.text)), remedy)
		return 0, false
	case !isPercent(v):
		l.fault(n.pos, fmt.Sprintf("%s %s is not between 0 and 100", key, n.text), remedy)
		return 0, false
	}
	return v, true
}

func parsePercent(digits string) (float64, bool) {
	v, err := strconv.ParseFloat(digits, 64)
	if err != nil || math.IsNaN(v) || strings.ContainsAny(digits, "xXpP_") {
		return 0, false
	}
	return v, true
}

func isPercent(v float64) bool { return v >= 0 && v <= 100 }

// showNumber is v without needless digits.
func showNumber(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// showShare is a share from 0 to 1 as the percentage that it was read from,
// without the last bits of the division by 100.
func showShare(v float64) string { return showNumber(math.Round(v*1e11)/1e9) + "%" }

// String is the sticky setting as written.
func (s Sticky) String() string {
	if s.Name == "" {
		return s.Kind
	}
	return s.Kind + ":" + s.Name
}

// sticky reads what a client is recognised by.
func (l *loader) sticky(n *yamlNode, key string) (Sticky, bool) {
	const remedy = "use header:NAME, cookie:NAME, path:PARAMETER, query:NAME or ip"
	if !l.takes(n, key, yamlString, "one way to tell clients apart", remedy) {
		return Sticky{}, false
	}
	kind, name, named := strings.Cut(n.text, ":")
	s := Sticky{Kind: kind, Name: name}
	problem := ""
	switch kind {
	case "ip":
		if named {
			problem = "takes no name"
		}
	case "header", "cookie", "path", "query":
		if name == "" {
			problem = "does not say which " + kind
		} else if kind != "query" && !isToken(name) {
			problem = "is not a name of a " + kind
		}
	default:
		problem = "is not known"
	}
	if problem != "" {
		l.fault(n.pos, fmt.Sprintf("%s %s %s", key, quoted(n.text), problem), remedy)
		return Sticky{}, false
	}
	if kind == "header" {
		s.Name = textproto.CanonicalMIMEHeaderKey(name)
	}
	return s, true
}

// isToken reports whether s is a token of RFC 9110 section 5.6.2, the form of
// method, header and cookie names.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}
