package compare

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// sameMin is how many different pairs make it likely that values map one to
// one, and do not happen to.
const sameMin = 3

// suggestSame covers ids that map one to one over all samples. The mapping has
// no name yet: see nameMappings.
func suggestSame(o *Observation) (Rule, bool) {
	m := newLinks([]string{unnamed}, nil)
	pairs := map[[2]linkValue]bool{}
	for _, p := range o.Samples {
		l, n, ok := o.linked(p)
		if _, _, when := o.times(p); when {
			return Rule{}, false
		}
		if !ok || !o.generated(l) || !o.generated(n) || !m.hold(0, l, n) {
			return Rule{}, false
		}
		pairs[[2]linkValue{l, n}] = true
	}
	return Rule{Path: o.Path, Same: unnamed}, len(pairs) >= sameMin
}

// unnamed stands for the name of a mapping until it is known which places share it.
const unnamed = "?"

// linked are the values of a pair as a mapping sees them. Of a cookie that is
// the value, and its attributes have to be equal.
func (o *Observation) linked(p Sample) (l, n linkValue, ok bool) {
	a, b := o.scalars(p)
	if strings.HasPrefix(o.Path, "cookie:") {
		valueA, attributesA, _ := strings.Cut(p.Legacy, ";")
		valueB, attributesB, _ := strings.Cut(p.New, ";")
		if attributesA != attributesB {
			return l, n, false
		}
		a.text, b.text = []byte(valueA), []byte(valueB)
	}
	l, n = a.link(), b.link()
	return l, n, l.class == n.class && l.class != unlinkable
}

// generated reports whether a value looks like an id: a UUID, an integer under
// a name of one, or a word with digits that is too long to be said.
func (o *Observation) generated(v linkValue) bool {
	switch v.class {
	case linkUUID:
		return true
	case linkInteger:
		return namesAnID(o.name())
	}
	text := v.text
	if strings.HasPrefix(o.Path, "cookie:") {
		_, text, _ = strings.Cut(text, "=")
	}
	least := 12
	if namesAnID(o.name()) {
		least = 1
	}
	return len(text) >= least && strings.ContainsAny(text, "0123456789") && !strings.ContainsAny(text, " ,;\t\n")
}

// idWords are the words that make a name one of an id, as its last word.
var idWords = []string{"id", "uuid", "guid", "ulid", "key", "token", "nonce", "number"}

func namesAnID(name string) bool {
	words := wordsOf(name)
	return len(words) > 0 && slices.Contains(idWords, words[len(words)-1])
}

// wordsOf are the words of a name, in small letters: accountId and account_id
// have the same.
func wordsOf(name string) []string {
	var words []string
	var word []byte
	flush := func() {
		if len(word) > 0 {
			words = append(words, string(word))
		}
		word = nil
	}
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') {
			flush()
			continue
		}
		if letter && c < 'a' && i > 0 && name[i-1] >= 'a' {
			flush()
		}
		if letter {
			c |= 0x20
		}
		word = append(word, c)
	}
	flush()
	return words
}

// shared is places whose values map one to one together.
type shared struct {
	members []*Suggestion
	pairs   map[[2]linkValue]bool
	links   *links
}

// nameMappings names the mappings of rules with same. Places that share a pair,
// and that map one to one together, share one: it is the same id in two places.
// No name is one that the rules in force have.
func nameMappings(list []Suggestion, inForce *Rules) {
	var mappings []*shared
	for i := range list {
		s := &list[i]
		if s.Rule.Same != unnamed {
			continue
		}
		own := mappingOf(s)
		if at := slices.IndexFunc(mappings, own.joins); at >= 0 {
			mappings[at].members = append(mappings[at].members, s)
			continue
		}
		mappings = append(mappings, own)
	}
	var taken []string
	if inForce != nil {
		taken = slices.Clone(inForce.links)
	}
	for _, m := range mappings {
		first := slices.MinFunc(m.members, func(a, b *Suggestion) int {
			return cmp.Or(cmp.Compare(len(a.Path), len(b.Path)), strings.Compare(a.Path, b.Path))
		})
		name := free(first.mappingName(), taken)
		taken = append(taken, name)
		for _, s := range m.members {
			s.Rule.Same = name
		}
	}
}

func mappingOf(s *Suggestion) *shared {
	m := &shared{members: []*Suggestion{s}, pairs: map[[2]linkValue]bool{}, links: newLinks([]string{unnamed}, nil)}
	for _, p := range s.whole() {
		l, n, _ := s.linked(p)
		m.pairs[[2]linkValue{l, n}] = true
		m.links.hold(0, l, n)
	}
	return m
}

// joins takes m's pairs into other when they share one and stay one to one.
func (m *shared) joins(other *shared) bool {
	shared := false
	for p := range m.pairs {
		shared = shared || other.pairs[p]
		if held, free := other.links.maps[0].has(p[0], p[1]); !held && !free {
			return false
		}
	}
	if !shared {
		return false
	}
	for p := range m.pairs {
		other.pairs[p] = true
		other.links.hold(0, p[0], p[1])
	}
	return true
}

// mappingName is what the ids at a place are ids of: "account" for
// $.account_id, $.account.id and $.accounts[*].id.
func (s *Suggestion) mappingName() string {
	names := s.names()
	for i := len(names) - 1; i >= 0; i-- {
		words := slices.DeleteFunc(wordsOf(names[i]), func(w string) bool { return w == "x" || slices.Contains(idWords, w) })
		if len(words) > 0 {
			name := strings.Join(words, "-")
			if len(name) > 3 && i < len(names)-1 {
				name = strings.TrimSuffix(name, "s")
			}
			return name
		}
	}
	return "id"
}

// free is name, with a number behind it when it is taken.
func free(name string, taken []string) string {
	if !slices.Contains(taken, name) {
		return name
	}
	for n := 2; ; n++ {
		if numbered := fmt.Sprintf("%s-%d", name, n); !slices.Contains(taken, numbered) {
			return numbered
		}
	}
}
