package wording

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible is s with what a terminal would act upon, or nobody would see,
// spelled out: control characters, those that turn the direction of writing,
// bytes that are not UTF-8. The result is one line.
func Visible(s string) string { return spelled(s, Invisible) }

// VisibleText is Visible that keeps line breaks and tabs: for pages.
func VisibleText(s string) string {
	return spelled(s, func(c rune) bool { return c != '\n' && c != '\t' && Invisible(c) })
}

func spelled(s string, hidden func(rune) bool) string {
	if strings.IndexFunc(s, hidden) < 0 {
		return s
	}
	var b strings.Builder
	for i, c := range s {
		switch {
		case c == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case c != utf8.RuneError && hidden(c):
			q := strconv.QuoteRune(c)
			b.WriteString(q[1 : len(q)-1])
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// Invisible reports whether a character does not show, or stands for a byte that
// is none.
func Invisible(c rune) bool { return !unicode.IsPrint(c) || c == utf8.RuneError }

// Cut shortens s to so many characters, the last of which then says so.
func Cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	runes := []rune(s)
	return string(runes[:max(most-1, 0)]) + "…"
}
