package redact

import (
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
)

// Header is a copy of a header section without secrets. Of Authorization the
// scheme stays, of cookies the names and attributes; nil stays nil.
func (r *Redactor) Header(h http.Header) http.Header {
	if h == nil {
		return nil
	}
	out := make(http.Header, len(h))
	for name, values := range h {
		kept := make([]string, len(values))
		for i, v := range values {
			kept[i] = r.HeaderValue(name, v)
		}
		out[name] = kept
	}
	return out
}

// HeaderValue is one value of the header field of this name.
func (r *Redactor) HeaderValue(name, value string) string {
	switch folded := fold(name); {
	case folded == "cookie" || folded == "cookie2":
		return r.cookies(value)
	case folded == "setcookie" || folded == "setcookie2":
		return r.setCookie(value)
	case folded == "authorization" || folded == "proxyauthorization":
		return r.credentials(value)
	case r.secretHeader(name), isBinaryField(name):
		return r.secret(value)
	}
	return r.textOrJSON(value)
}

// isBinaryField reports whether a field is one of gRPC's that hold binary
// metadata in base64, such as the details of an error.
func isBinaryField(name string) bool {
	return len(name) > 4 && strings.EqualFold(name[len(name)-4:], "-bin")
}

// cookies is the value of a Cookie field (RFC 6265 section 4.2.1).
func (r *Redactor) cookies(value string) string {
	pairs := strings.Split(value, ";")
	for i, pair := range pairs {
		pairs[i] = r.cookiePair(pair)
	}
	return strings.Join(pairs, ";")
}

// setCookie is the value of a Set-Cookie field (RFC 6265 section 4.1.1).
func (r *Redactor) setCookie(value string) string {
	parts := strings.Split(value, ";")
	parts[0] = r.cookiePair(parts[0])
	for i, attribute := range parts[1:] {
		parts[i+1] = r.cookieAttribute(attribute)
	}
	return strings.Join(parts, ";")
}

// cookieAttributes are those that may have a value that is no secret.
var cookieAttributes = set("path", "domain", "expires", "maxage", "samesite", "priority", "version", "port", "secure", "httponly", "partitioned", "discard", "comment")

// cookieAttribute is an attribute, and what stands behind it when somebody has
// made one field of several.
func (r *Redactor) cookieAttribute(attribute string) string {
	own, next := attribute, ""
	if at := anotherCookie.FindStringIndex(attribute); at != nil {
		own, next = attribute[:at[0]+1], r.cookiePair(attribute[at[0]+1:])
	}
	name, _, some := strings.Cut(own, "=")
	if some && !cookieAttributes[fold(strings.TrimSpace(name))] {
		return r.cookiePair(own) + next
	}
	return r.Text(own) + next
}

// anotherCookie is where one begins behind a comma.
var anotherCookie = regexp.MustCompile(`,\s*[^\s,;="]+=`)

func (r *Redactor) cookiePair(pair string) string {
	name, value, some := strings.Cut(pair, "=")
	if !some { // user agents take it for a value without a name
		trimmed := strings.TrimSpace(pair)
		return strings.Replace(pair, trimmed, r.secret(trimmed), 1)
	}
	trimmed := strings.TrimSpace(value)
	return name + "=" + strings.Replace(value, trimmed, r.secret(trimmed), 1)
}

// credentials are the value of an Authorization field: the scheme stays
// (RFC 9110 section 11.4). A lone word is taken for a credential.
func (r *Redactor) credentials(value string) string {
	scheme, rest, some := strings.Cut(value, " ")
	if !some || !isScheme(scheme) {
		return r.secret(value)
	}
	trimmed := strings.TrimSpace(rest)
	if r.found != nil && strings.EqualFold(scheme, "Basic") {
		r.foundBasic(trimmed)
	}
	return scheme + " " + strings.Replace(rest, trimmed, r.secret(trimmed), 1)
}

// foundBasic notes the password of a Basic credential (RFC 7617 section 2), which
// may stand elsewhere by itself.
func (r *Redactor) foundBasic(credential string) {
	plain, err := base64.StdEncoding.DecodeString(credential)
	if _, password, some := strings.Cut(string(plain), ":"); err == nil && some && password != "" {
		r.found(password)
	}
}

func isScheme(s string) bool {
	for _, known := range []string{"Basic", "Bearer", "Digest", "Token", "Negotiate", "NTLM", "DPoP", "HOBA", "Mutual", "ApiKey", "GoogleLogin", "AWS4-HMAC-SHA256", "SCRAM-SHA-256", "Signature"} {
		if strings.EqualFold(s, known) {
			return true
		}
	}
	return false
}
