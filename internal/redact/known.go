package redact

import (
	"encoding/base64"
	"html"
	"net/url"
	"sort"
	"strings"
)

const (
	// knownMin is the least length of a secret that Knowing looks for: a
	// shorter one would be found in places that have nothing to do with it.
	knownMin = 6
	// Of so many secrets, of at most so many bytes, it also looks for what they
	// look like when they are escaped.
	knownForms = 100
	knownLong  = 512
)

// Collecting is the same redactor that calls found with each secret that it
// knew by its name.
func (r *Redactor) Collecting(found func(secret string)) *Redactor {
	c := *r
	c.found = found
	return &c
}

// Knowing is the same redactor that also replaces the given secrets, wherever
// in text they stand, as they are or escaped: as in a URL, in HTML, in JSON, in
// base64. Those shorter than 6 bytes are left out.
func (r *Redactor) Knowing(secrets []string) *Redactor {
	secrets = append([]string(nil), secrets...)
	// The longest first: one secret may begin with another.
	sort.Slice(secrets, func(i, j int) bool { return len(secrets[i]) > len(secrets[j]) })
	var pairs, forms []string
	for _, s := range secrets {
		if len(s) < knownMin || isMark(s) {
			continue
		}
		mark := r.Fingerprint(s)
		pairs = append(pairs, s, mark)
		if len(s) <= knownLong && len(forms) < knownForms*2*formsOf {
			for _, form := range escapedForms(s) {
				if form != s && len(form) >= knownMin {
					forms = append(forms, form, mark)
				}
			}
		}
	}
	c := *r
	c.secrets = secrets
	if len(pairs) > 0 {
		c.known = strings.NewReplacer(append(pairs, forms...)...)
	}
	return &c
}

const formsOf = 7

// escapedForms are what a secret looks like where it is escaped.
func escapedForms(s string) [formsOf]string {
	query, path := url.QueryEscape(s), url.PathEscape(s)
	return [formsOf]string{
		query, lowerEscapes(query), path, lowerEscapes(path), html.EscapeString(s), strings.Trim(quote(s), `"`),
		base64.RawStdEncoding.EncodeToString([]byte(s)),
	}
}

// lowerEscapes is escaped text with its hex digits in lower case.
func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i:i+3], strings.ToLower(s[i:i+3]))
		}
	}
	return string(b)
}
