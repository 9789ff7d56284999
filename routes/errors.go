package routes

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Errors are all faults of one file, in its order.
type Errors []*Error

// Error is the faults one below the other.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, f := range e {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the faults to errors.Is and errors.As.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, f := range e {
		all[i] = f
	}
	return all
}

// Error is one fault: "routes.yaml:12:7: route accounts.show: …\n  do this".
type Error struct {
	Position
	Route  string // "" when none is concerned
	Text   string
	Remedy string

	cause error // of a file that can not be read
}

// Error is the fault with its place, and the remedy on a line of its own.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Position.String())
	b.WriteString(": ")
	if e.Route != "" {
		fmt.Fprintf(&b, "route %s: ", e.Route)
	}
	b.WriteString(e.Text)
	for line := range strings.Lines(e.Remedy) {
		b.WriteString("\n  ")
		b.WriteString(strings.TrimRight(line, "\n"))
	}
	return b.String()
}

// Unwrap is the error of the file system, nil for a fault in the file's text.
func (e *Error) Unwrap() error { return e.cause }

// String is "file:line:column", or the file alone where no line is meant.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// short is "line N", for a second place in a message about the same file.
func (p Position) short() string { return fmt.Sprintf("line %d", p.Line) }

// faults collects the faults of one file.
type faults struct {
	list Errors
}

func (f *faults) add(at Position, route, text, remedy string) {
	f.list = append(f.list, &Error{
		Position: at,
		Route:    withoutCredentials(route),
		Text:     withoutCredentials(text),
		Remedy:   withoutCredentials(remedy),
	})
}

// credentials is what looks like the credentials of an address. They have no
// place in the file, and could stand anywhere in it by mistake.
var credentials = regexp.MustCompile(`(://)[^\s"]*(@)|((?i:password|passwd|secret|token)=)[^\s"&]*`)

func withoutCredentials(s string) string { return credentials.ReplaceAllString(s, "$1$3…$2") }

// sorted is inOrder, with the YAML parser's positions held inside the file of
// the given line lengths.
func (f *faults) sorted(lineLengths []int) Errors {
	for _, e := range f.list {
		e.Position = e.within(lineLengths)
	}
	return f.inOrder()
}

// inOrder is the faults in the file's order, each once.
func (f *faults) inOrder() Errors {
	slices.SortStableFunc(f.list, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.CompactFunc(f.list, func(a, b *Error) bool {
		return a.Position == b.Position && a.Route == b.Route && a.Text == b.Text
	})
}

// within moves a position that lies outside the file to the nearest inside: the
// parser places what is missing behind the last character, or nowhere.
func (p Position) within(lineLengths []int) Position {
	p.Line = min(max(p.Line, 1), len(lineLengths))
	p.Column = min(max(p.Column, 1), lineLengths[p.Line-1]+1)
	return p
}
