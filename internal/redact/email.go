package redact

import "strings"

// emailNames are the names of members and the like that hold e-mail addresses,
// folded. They are secrets only under a policy that says so.
var emailNames = set("email", "emailaddress", "mail", "mailaddress", "useremail", "customeremail", "contactemail", "replyto", "recipientemail", "senderemail")

// emailAt is the e-mail address around the "@" (or "%40") at i, which takes so
// many bytes: a local part of letters, digits and the signs that RFC 5321
// section 4.1.2 gives an atom, and a domain of at least two labels, the last of
// which has a letter. What stands before from is not looked at.
func emailAt(s string, i, length, from int) span {
	start := localStart(s, i, from)
	for start < i && s[start] == '.' {
		start++
	}
	end, label, letters := i+length, 0, false
	dots, last := 0, i+length
	for end < len(s) && end-i < 255 {
		c := s[end]
		if c == '.' && label > 0 {
			dots, label, letters = dots+1, 0, false
		} else if isToken(c) && c != '_' || c >= 0x80 {
			label++
			letters = letters || c > '9'
		} else {
			break
		}
		end++
		if dots > 0 && label > 1 && letters {
			last = end
		}
	}
	if start == i || last == i+length {
		return span{}
	}
	return span{start, last}
}

// localStart is where the local part begins that ends at i. An escape in it may
// be one of its signs, as in "daisy%2Bshop@example.org", or a delimiter.
func localStart(s string, i, from int) int {
	start := i
	for start > from && i-start < 200 {
		if start-3 >= from && s[start-3] == '%' {
			if e := escapeAt(s[start-3 : start]); e.length == 3 {
				if !isAtom(e.plain) && e.plain != '.' {
					break
				}
				start -= 3
				continue
			}
		}
		if c := s[start-1]; !isAtom(c) && c != '.' {
			break
		}
		start--
	}
	return start
}

// isAtom reports whether c may stand in an atom of a local part. Those that end
// values in what is looked at ("=", "'", "/", "?", "&", "{", "}") are left out.
func isAtom(c byte) bool { return isToken(c) || c >= 0x80 || strings.IndexByte("!#$*+^`|~", c) >= 0 }

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
