package routes

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// checkPieces holds that a text that can be read in pieces is read as it is in
// one go, and has no fault there; it reports whether it can.
func checkPieces(t interface{ Fatalf(string, ...any) }, src []byte) bool {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	d := document{file: "routes.yaml", faults: &faults{}}
	if !d.readable(src) {
		return false
	}
	pieces := d.inPieces(src)
	if pieces == nil {
		return false
	}
	whole := d.whole(src)
	if len(d.list) > 0 {
		t.Fatalf("read in pieces without a fault, and as a whole with\n%v\n%s", d.list, src)
	}
	if !reflect.DeepEqual(pieces, whole) {
		t.Fatalf("in pieces it is\n%s\nand as a whole\n%s\n%s", pieces.dump(), whole.dump(), src)
	}
	return true
}

// dump is a value with all places in it.
func (n *yamlNode) dump() string {
	var b strings.Builder
	var add func(n *yamlNode)
	add = func(n *yamlNode) {
		b.WriteString(strings.TrimPrefix(n.pos.String(), n.pos.File+":") + " " + n.kind.String() + " " + quoted(n.text))
		for _, e := range n.entries {
			b.WriteString(" {" + strings.TrimPrefix(e.pos.String(), n.pos.File+":") + " " + e.key + ": ")
			add(e.val)
			b.WriteString("}")
		}
		for _, item := range n.items {
			b.WriteString(" [")
			add(item)
			b.WriteString("]")
		}
	}
	add(n)
	return b.String()
}

func TestPieces(t *testing.T) {
	const item = "- match: GET /a\n"
	for _, c := range []struct {
		text, reason string
		can          bool
	}{
		{thousands(200), "two levels of lists", true},
		{strings.ReplaceAll(thousands(40), "\n", "\r\n"), "lines of another system", true},
		{"---\n" + head + "  " + item, "the mark that a document begins", true},
		{head + "  " + item + "  - match: /b\n    # c\n    routes: # below\n\n    # d\n    - match: GET /c\n    - match: GET /d\n # e\n    stage: shadow\n", "comments, a list as deep as its key, a key behind it", true},
		{strings.Replace(head, "routes:\n", "", 1) + "routes:\n" + item + item, "a list at the margin", true},
		{"routes:\n  " + item + strings.Replace(head, "routes:\n", "", 1), "keys behind the list", true},
		{head + "  - {match: /b, routes: [{match: GET /c}]}\n  " + item, "brackets", true},
		{head + "  - match: /b\n    compare: |\n      routes:\n        - a\n  " + item, "a text that looks like a list", true},
		{head, "no list", true},
		{head + "  - match: GET /a\n    stage: a\n      - b\n        c\n  - match: GET /b\n", "a text of two lines at the end of an item", true},
		{head + "  - match: /a\n    routes:\n   - match: GET /b\n", "a list to the left of its key", false},
		{"a: \"x\nroutes:\n  - b\nz\"\nroutes:\n", "a key within quotes, and the same one behind", false},
		{"---\n" + head + "  " + item + "---\na: b\n", "two documents", false},
		{head + "  " + item + "    routes:\n      " + item + "    routes:\n      " + item, "a key twice", false},
		{head + "  " + item + " - match: /b\n", "items in two columns", false},
		{head + "  " + item + "    routes:\n        " + item + "      stage: shadow\n", "a list and a mapping below one key", false},
		{head + "  - match: \"GET\n  - /a\"\n", "quotes over two lines", false},
		{head + "  - match: GET /a\r    stage: shadow\n", "a line that ends otherwise", false},
		{head + "  - &a {match: GET /a}\n  - *a\n", "an alias in another piece than its anchor", false},
	} {
		if can := checkPieces(t, []byte(c.text)); can != c.can {
			t.Errorf("%s: read in pieces: %v\n%s", c.reason, can, c.text)
		}
	}
}

// TestPiecesOfFiles: each file, right or wrong, gives the same both ways.
func TestPiecesOfFiles(t *testing.T) {
	in := 0
	for _, src := range sources(t) {
		if checkPieces(t, src) {
			in++
		}
	}
	if in == 0 {
		t.Error("no file is read in pieces")
	}
}

// sources are the files that the tests have.
func sources(t testing.TB) (list [][]byte) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "testdata/shop.yaml", "../routes.yaml") {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, src)
	}
	return append(list, []byte(thousands(20)))
}

// TestPiecesOfEditedFiles: nor does it matter what a slip of the hand has made
// of a file.
func TestPiecesOfEditedFiles(t *testing.T) {
	all := sources(t)
	in := 0
	rapid.Check(t, func(t *rapid.T) {
		src := string(rapid.SampledFrom(all).Draw(t, "file"))
		lines := strings.SplitAfter(src, "\n")
		for range rapid.IntRange(1, 4).Draw(t, "edits") {
			i := rapid.IntRange(0, len(lines)-1).Draw(t, "line")
			lines[i] = edited(t, lines[i], lines)
		}
		if checkPieces(t, []byte(strings.Join(lines, ""))) {
			in++
		}
	})
	if in == 0 {
		t.Error("no file is read in pieces")
	}
}

// edited is a line changed in one way.
func edited(t *rapid.T, line string, lines []string) string {
	at := rapid.IntRange(0, len(line)).Draw(t, "at")
	switch rapid.IntRange(0, 5).Draw(t, "edit") {
	case 0:
		return ""
	case 1:
		return line + rapid.SampledFrom(lines).Draw(t, "other line")
	case 2:
		return strings.Repeat(" ", rapid.IntRange(1, 3).Draw(t, "spaces")) + line
	case 3:
		return strings.TrimPrefix(strings.TrimPrefix(line, "  "), " ")
	case 4:
		return line[:at] + line[min(at+1, len(line)):]
	default:
		mark := []string{"\"", "'", "[", "]", "{", "}", ":", ": ", "- ", "#", " #", "|", ">", "\t", "\n", "\r", "&a ", "*a", "!!a ", "---\n", "...\n", "?", ",", "routes:", "<<: "}
		return line[:at] + rapid.SampledFrom(mark).Draw(t, "mark") + line[at:]
	}
}
