package compare_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/quackproxy/quack/compare"
)

// sample is one case of the corpus: testdata/corpus/README.md has its format.
type sample struct {
	where       string // file:line
	reason      string
	legacy, new side
	rules       []compare.Rule
	want        []string
}

// side is one answer as the corpus writes it.
type side struct {
	compare.Exchange
	coding string // applied to the body
}

func (s *side) answer(t *testing.T) *compare.Exchange {
	e := s.Exchange
	if s.coding != "" {
		coding, cut := strings.CutSuffix(s.coding, " cut short")
		text := encode(t, coding, string(e.Body))
		if cut {
			text = text[:len(text)/2]
		}
		e.Body = []byte(text)
		e.Header = e.Header.Clone()
		e.Header.Add("Content-Encoding", strings.TrimSuffix(coding, "-raw"))
	}
	e.Size = int64(len(e.Body))
	return &e
}

func newSide() side {
	return side{Exchange: compare.Exchange{Status: 200, Header: header("Content-Type: application/json")}}
}

// readCorpus reads one file of samples, and fails at the first line that it
// does not understand.
func readCorpus(t *testing.T, file string) []*sample {
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var samples []*sample
	for n, line := range strings.Split(string(data), "\n") {
		where := fmt.Sprintf("%s:%d", file, n+1)
		if reason, ok := strings.CutPrefix(line, "== "); ok {
			samples = append(samples, &sample{where: where, reason: reason, legacy: newSide(), new: newSide()})
			continue
		}
		if line == "" || strings.HasPrefix(line, "# ") {
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		if !ok || len(samples) == 0 {
			t.Fatalf("%s: %q is no line of a sample", where, line)
		}
		if err := samples[len(samples)-1].set(key, strings.TrimSpace(value)); err != nil {
			t.Fatalf("%s: %v", where, err)
		}
	}
	return samples
}

func (s *sample) set(key, value string) error {
	switch key {
	case "want":
		s.want = append(s.want, value)
		return nil
	case "rule":
		rule, err := readRule(value)
		s.rules = append(s.rules, rule)
		return err
	}
	who, what, _ := strings.Cut(key, " ")
	sides := map[string][]*side{"legacy": {&s.legacy}, "new": {&s.new}, "both": {&s.legacy, &s.new}}[who]
	if sides == nil {
		return fmt.Errorf("%q is nobody's", key)
	}
	for _, side := range sides {
		if err := side.set(what, value); err != nil {
			return err
		}
	}
	return nil
}

func (s *side) set(what, value string) (err error) {
	switch what {
	case "":
		var body string
		body, err = expand(value)
		s.Body = []byte(body)
	case "type":
		s.Header.Del("Content-Type")
		if value != "none" {
			s.Header.Set("Content-Type", value)
		}
	case "header", "trailer":
		name, text, ok := strings.Cut(value, ":")
		if !ok {
			return fmt.Errorf("%q is no header line", value)
		}
		if s.Trailer == nil {
			s.Trailer = header()
		}
		section := map[string]func(name, value string){"header": s.Header.Add, "trailer": s.Trailer.Add}[what]
		section(name, strings.TrimSpace(text))
	case "status":
		s.Status, err = strconv.Atoi(value)
	case "coding":
		s.coding = value
	case "incomplete":
		s.Incomplete = value
	default:
		err = fmt.Errorf("%q is no part of an answer", what)
	}
	return err
}

// expand gives the text of a body: as it stands, or behind = the concatenation
// of Go strings, each of which may be repeated: = "["*513 "]"*513
func expand(value string) (string, error) {
	rest, ok := strings.CutPrefix(value, "=")
	if !ok {
		return value, nil
	}
	var b strings.Builder
	for rest = strings.TrimSpace(rest); rest != ""; rest = strings.TrimSpace(rest) {
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return "", fmt.Errorf("%q: %w", rest, err)
		}
		text, _ := strconv.Unquote(quoted)
		rest = rest[len(quoted):]
		times := 1
		if strings.HasPrefix(rest, "*") {
			end := 1
			for end < len(rest) && rest[end] != ' ' {
				end++
			}
			if times, err = strconv.Atoi(rest[1:end]); err != nil {
				return "", err
			}
			rest = rest[end:]
		}
		b.WriteString(strings.Repeat(text, times))
	}
	return b.String(), nil
}

// readRule reads "PATH ignore", "PATH unordered", "PATH within 2s" and so on.
func readRule(text string) (rule compare.Rule, err error) {
	if path, ok := strings.CutSuffix(text, " ignore"); ok {
		return compare.Rule{Path: path, Ignore: true}, nil
	}
	if path, ok := strings.CutSuffix(text, " unordered"); ok {
		return compare.Rule{Path: path, Unordered: true}, nil
	}
	words := strings.Fields(text)
	if len(words) < 3 {
		return rule, fmt.Errorf("%q is no rule", text)
	}
	value := words[len(words)-1]
	rule.Path = strings.Join(words[:len(words)-2], " ")
	switch words[len(words)-2] {
	case "within":
		rule.Within = value
	case "tolerance":
		rule.Tolerance = value
	case "same":
		rule.Same = value
	case "format":
		rule.Format = value
	default:
		err = fmt.Errorf("%q is no rule", text)
	}
	return rule, err
}

// agrees reports whether a result is what the lines say, and writes it in
// their language.
func agrees(r compare.Result, want []string) (got []string, ok bool) {
	var lines [][]string // the ways in which each may be written, the longest first
	for _, d := range r.Differences {
		short, at, values := fmt.Sprintf("%s %s", d.Kind, d.Path), " at "+d.At, fmt.Sprintf(": %s | %s", d.Legacy, d.New)
		values = strings.TrimRight(values, " ")
		lines = append(lines, []string{short + at + values, short + values, short + at, short})
	}
	if r.Truncated > 0 {
		lines = append(lines, []string{fmt.Sprintf("and %d more", r.Truncated)})
	}
	for _, f := range r.Forgiven {
		times := ""
		if f.Count > 1 {
			times = fmt.Sprintf(" times %d", f.Count)
		}
		lines = append(lines, []string{fmt.Sprintf("forgiven %s %s (%s)%s", f.Kind, f.Path, f.Reason, times)})
	}
	if r.Err != nil {
		lines = append(lines, []string{"error: " + r.Err.Error()})
	}
	if len(lines) == 0 {
		lines = [][]string{{"match"}}
	}
	var expected []string
	for _, w := range want {
		line, times := w, 1
		if i := strings.LastIndex(w, " listed "); i > 0 {
			line, times = w[:i], 0
			fmt.Sscan(w[i+len(" listed "):], &times)
		}
		expected = append(expected, slices.Repeat([]string{line}, times)...)
	}
	ok = len(lines) == len(expected)
	for i := range lines {
		got = append(got, lines[i][0])
		ok = ok && (slices.Contains(lines[i], expected[i]) || isLike(lines[i][0], expected[i]))
	}
	return got, ok
}

// isLike reports whether an error has the text wanted in it, and a line begins
// with what is wanted up to three dots.
func isLike(got, want string) bool {
	if start, ok := strings.CutSuffix(want, "..."); ok {
		return strings.HasPrefix(got, start)
	}
	text, ok := strings.CutPrefix(want, "error: ")
	return ok && strings.HasPrefix(got, "error: ") && strings.Contains(got, text)
}

// places is what is the same when the sides are swapped, sorted.
func places(r compare.Result, swapped bool) []string {
	mirror := map[compare.Kind]compare.Kind{compare.KindMissing: compare.KindAdded, compare.KindAdded: compare.KindMissing}
	var all []string
	enter := func(kind compare.Kind, text string) {
		if m, ok := mirror[kind]; ok && swapped {
			kind = m
		}
		all = append(all, fmt.Sprintf("%s %s", kind, text))
	}
	for _, d := range r.Differences {
		if swapped {
			d.Legacy, d.New = d.New, d.Legacy
		}
		enter(d.Kind, fmt.Sprintf("%s: %s | %s, %v", d.Path, d.Legacy, d.New, d.Weight))
	}
	for _, f := range r.Forgiven {
		enter(f.Kind, fmt.Sprintf("%s (%s) times %d", f.Path, f.Reason, f.Count))
	}
	slices.Sort(all)
	return append(all, fmt.Sprintf("and %d more, %v", r.Truncated, r.Err != nil))
}

// TestCorpus holds each sample to the result that it states, to the mirrored
// one when the sides are swapped, and each of its answers to itself.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("testdata/corpus/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("there is no corpus: %v", err)
	}
	total := 0
	seen := map[string]string{}
	for _, file := range files {
		samples := readCorpus(t, file)
		total += len(samples)
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			for _, s := range samples {
				if other, taken := seen[s.reason]; taken {
					t.Errorf("%s: the reason %q is that of %s", s.where, s.reason, other)
				}
				seen[s.reason] = s.where
				s.check(t)
			}
		})
	}
	if total < 450 {
		t.Errorf("%d samples, of at least 450", total)
	}
}

func (s *sample) check(t *testing.T) {
	if len(s.want) == 0 {
		t.Fatalf("%s: %q wants nothing, not even a match", s.where, s.reason)
	}
	rules, errs := compare.Compile(s.rules)
	if errs != nil {
		t.Fatalf("%s: %q: %v", s.where, s.reason, errs)
	}
	legacy, new := s.legacy.answer(t), s.new.answer(t)
	r := compare.Exchanges(legacy, new, rules)
	if got, ok := agrees(r, s.want); !ok {
		t.Errorf("%s: %s\ngot\n  %s\nwant\n  %s", s.where, s.reason, strings.Join(got, "\n  "), strings.Join(s.want, "\n  "))
	}
	if again := compare.Exchanges(legacy, new, rules); !reflect.DeepEqual(places(r, false), places(again, false)) {
		t.Errorf("%s: %s: another result the second time", s.where, s.reason)
	}
	if back := compare.Exchanges(new, legacy, rules); !slices.Equal(places(r, false), places(back, true)) {
		t.Errorf("%s: %s: with the sides swapped\n  %s\nand not\n  %s", s.where, s.reason,
			strings.Join(places(back, true), "\n  "), strings.Join(places(r, false), "\n  "))
	}
	for _, e := range []*compare.Exchange{legacy, new} {
		copied := *e
		copied.Body = slices.Clone(e.Body)
		if r := compare.Exchanges(e, &copied, rules); e.Incomplete == "" && (!r.Match() || len(r.Forgiven) > 0) {
			t.Errorf("%s: %s: an answer differs from itself: %q", s.where, s.reason, lines(r))
		}
	}
}
