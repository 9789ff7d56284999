package compare

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"
)

// withoutCharset is the content in UTF-8, and false when a charset is not
// known or what is there is not in it.
func (c *content) withoutCharset(f format) (*content, bool) {
	charsetL, charsetN := charsetOf(c.legacy, c.media[0], f), charsetOf(c.new, c.media[1], f)
	if charsetL == utf8Charset && charsetN == utf8Charset {
		return c, true
	}
	l, okL := toUTF8(c.legacy, charsetL)
	n, okN := toUTF8(c.new, charsetN)
	if !okL || !okN {
		return nil, false
	}
	recoded := *c
	recoded.legacy, recoded.new = l, n
	return &recoded, true
}

// utf8Charset is the name of UTF-8, and of ASCII which is a part of it.
const utf8Charset = "utf-8"

// charsetOf is the charset of a text: by its byte order mark, by Content-Type,
// by what it says itself, or else UTF-8.
func charsetOf(text []byte, m media, f format) string {
	switch {
	case bytes.HasPrefix(text, []byte("\xff\xfe")):
		return "utf-16le"
	case bytes.HasPrefix(text, []byte("\xfe\xff")):
		return "utf-16be"
	case bytes.HasPrefix(text, []byte("\ufeff")):
		return utf8Charset
	}
	name := strings.ToLower(strings.TrimSpace(m.params["charset"]))
	if name == "" && f.declared != nil {
		name = f.declared(text)
	}
	switch name {
	case "", "utf8", "us-ascii", "ascii":
		return utf8Charset
	}
	return name
}

// toUTF8 undoes a charset. UTF-8 is left as it is, valid or not: that is for
// the format to say.
func toUTF8(text []byte, charset string) ([]byte, bool) {
	if charset == utf8Charset {
		return text, true
	}
	e, err := htmlindex.Get(charset)
	if err != nil {
		return nil, false
	}
	out, err := e.NewDecoder().Bytes(text)
	if err != nil {
		return nil, false
	}
	out = bytes.TrimPrefix(out, []byte("\ufeff"))
	// The decoders write U+FFFD for what is not in the charset, which no
	// charset but those of Unicode has.
	if !strings.HasPrefix(charset, "utf-16") && bytes.ContainsRune(out, utf8.RuneError) {
		return nil, false
	}
	return out, true
}

// otherCharset is the difference between two texts in different charsets that
// no header tells.
func (c *content) otherCharset(f format) *bodies {
	if f.declared != nil || !strings.EqualFold(c.media[0].params["charset"], c.media[1].params["charset"]) {
		return nil
	}
	l, n := charsetOf(c.legacy, c.media[0], f), charsetOf(c.new, c.media[1], f)
	if l == n {
		return nil
	}
	return c.one(KindFormat, "in "+l, "in "+n)
}
