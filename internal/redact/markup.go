package redact

import (
	"slices"
	"strings"
)

// tag is a secret that the tag at i gives away: the content of an element with
// the name of one, or what an attribute says is one.
func (t *text) tag() (span, func(string) string) {
	s, i := t.s, t.i
	name, start := openTag(s, i)
	if name == "" {
		return span{}, nil
	}
	if len(t.ahead) > 0 {
		return span{}, nil // what is ahead is not reached yet
	}
	if t.r.secretName(name) {
		tag := s[i:until(s, i+1, "<>")]
		for _, attribute := range []string{"value", "text", "content"} {
			if p := attributeValue(tag, attribute); !isMark(tag[p.start:p.end]) {
				t.later(span{i + p.start, i + p.end})
			}
		}
		if start > 0 {
			t.later(t.content(name, start))
		}
		slices.SortFunc(t.ahead, func(a, b span) int { return a.start - b.start })
		return span{}, nil
	}
	if p := t.attribute(i); p.end > p.start {
		t.later(p)
	} else if start > 0 && namesAnother[fold(name)] {
		t.later(t.beside(name, start))
	}
	return span{}, nil
}

// later notes a secret that is ahead.
func (t *text) later(p span) {
	if p.end > p.start {
		t.ahead = append(t.ahead, p)
	}
}

// openTag is the name of the element that begins at i, and where its content
// begins: 0 when it has none.
func openTag(s string, i int) (name string, content int) {
	end := i + 1
	for end < len(s) && (isToken(s[end]) || s[end] >= 0x80 || s[end] == ':' || s[end] == '.') {
		end++
	}
	if end == i+1 {
		return "", 0
	}
	name = s[i+1 : end]
	close := until(s, end, "<>")
	if close == len(s) || s[close] == '<' || close > end && s[close-1] == '/' {
		return name, 0
	}
	return name, close + 1
}

// content is what stands in an element up to its end; up to the next tag when it
// has none.
func (t *text) content(name string, start int) span {
	s := t.s
	const cdata, cdataEnd = "<![CDATA[", "]]>"
	if strings.HasPrefix(s[start:], cdata) {
		start += len(cdata)
		end := len(s)
		if n := strings.Index(s[start:], cdataEnd); n >= 0 {
			end = start + n
		}
		return telling(s, start, end)
	}
	end := until(s, start, "<")
	if !t.open[name] {
		if n := strings.Index(s[start:], "</"+name); n >= 0 {
			end = start + n
		} else {
			if t.open == nil {
				t.open = map[string]bool{}
			}
			t.open[name] = true // nor will the next one be
		}
	}
	return telling(s, start, end)
}

// telling is a span unless it tells nothing: blanks, or a fingerprint.
func telling(s string, start, end int) span {
	if text := strings.TrimSpace(s[start:end]); text == "" || isMark(text) {
		return span{}
	}
	return span{start, end}
}

// namesAnother are elements whose text is the name of what stands in the next
// one: <key>pin</key><string>1</string> of a property list, <name>pin</name><value>1</value>.
var namesAnother = set("key", "name", "field", "id", "dt", "th", "parametername", "headername")

// beside is the content of the element behind the one whose content begins at
// start, when that is the name of a secret.
func (t *text) beside(name string, start int) span {
	s := t.s
	end := until(s, start, "<")
	if end-start > 2*nameMax || !strings.HasPrefix(s[end:], "</"+name) || !t.r.secretName(strings.TrimSpace(s[start:end])) {
		return span{}
	}
	next := until(s, end, ">")
	for next < len(s) && strings.IndexByte("> \t\r\n", s[next]) >= 0 {
		next++
	}
	if next >= len(s) || s[next] != '<' {
		return span{}
	}
	other, content := openTag(s, next)
	if other == "" || content == 0 {
		return span{}
	}
	return t.content(other, content)
}

// attribute is what the tag at i holds that its name attribute says is a secret:
// the value of form fields and of the meta tags that hold CSRF tokens, the text
// of other elements.
func (t *text) attribute(i int) span {
	s := t.s
	tag := s[i:until(s, i+1, "<>")]
	byName := t.r.secretName(valueOf(tag, "name")) || t.r.secretName(valueOf(tag, "key")) || strings.EqualFold(valueOf(tag, "type"), "password")
	if !byName && !t.r.secretName(valueOf(tag, "id")) {
		return span{}
	}
	for _, name := range []string{"value", "content"} {
		if p := attributeValue(tag, name); p.end > p.start {
			if isMark(tag[p.start:p.end]) {
				return span{}
			}
			return span{i + p.start, i + p.end}
		}
	}
	if name, start := openTag(s, i); byName && start > 0 && name != "form" {
		return telling(s, start, until(s, start, "<"))
	}
	return span{}
}

func valueOf(tag, name string) string {
	p := attributeValue(tag, name)
	return tag[p.start:p.end]
}

func attributeValue(tag, name string) span {
	for at := 1; at+len(name) < len(tag); at++ {
		start := at + len(name)
		if tag[start] != '=' || strings.IndexByte(" \t\r\n\"'", tag[at-1]) < 0 || !strings.EqualFold(tag[at:start], name) {
			continue
		}
		start++
		stop := " \t\r\n"
		if start < len(tag) && (tag[start] == '"' || tag[start] == '\'') {
			stop = tag[start : start+1]
			start++
		}
		return span{start, until(tag, start, stop)}
	}
	return span{}
}
