package admin

import (
	"unicode"
	"unicode/utf8"
)

// part is a piece of a line, and whether the other side has it otherwise.
type part struct {
	Text    string
	Changed bool
}

// LegacyLine is legacy's line in pieces.
func (r bodyRow) LegacyLine() []part { return pieces(r.LegacyParts, r.Legacy) }

// NewLine is like LegacyLine.
func (r bodyRow) NewLine() []part { return pieces(r.NewParts, r.New) }

func pieces(parts []part, line string) []part {
	if parts == nil {
		return []part{{Text: line}}
	}
	return parts
}

// maxWords bounds the words of a line that are lined up; longer lines are marked
// as a whole.
const maxWords = 400

// changedParts tells two lines apart word by word. It gives nil for lines that
// have no word in common, or too many words: then the line as a whole is what
// has changed.
func changedParts(legacy, new string) (l, n []part) {
	a, b := wordsOf(legacy), wordsOf(new)
	if len(a) > maxWords || len(b) > maxWords {
		return nil, nil
	}
	common := false
	for _, p := range align(len(a), len(b), func(i, j int) bool { return a[i] == b[j] }) {
		changed := p.Legacy < 0 || p.New < 0 || a[p.Legacy] != b[p.New]
		if p.Legacy >= 0 {
			l = addPart(l, a[p.Legacy], changed)
			common = common || !changed && isWord(a[p.Legacy])
		}
		if p.New >= 0 {
			n = addPart(n, b[p.New], changed)
		}
	}
	if !common {
		return nil, nil
	}
	return l, n
}

// addPart adds a word, to the last part where it is of the same kind.
func addPart(parts []part, text string, changed bool) []part {
	if last := len(parts) - 1; last >= 0 && parts[last].Changed == changed {
		parts[last].Text += text
		return parts
	}
	return append(parts, part{text, changed})
}

// wordsOf splits a line into runs of letters and digits, and the characters between
// them, each alone. Put together again they are the line.
func wordsOf(line string) []string {
	var list []string
	start := 0
	for i := 0; i < len(line); {
		r, size := utf8.DecodeRuneInString(line[i:])
		if !inWord(r) {
			if start < i {
				list = append(list, line[start:i])
			}
			list = append(list, line[i:i+size])
			start = i + size
		}
		i += size
	}
	if start < len(line) {
		list = append(list, line[start:])
	}
	return list
}

func inWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '_'
}

func isWord(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return inWord(r)
}
