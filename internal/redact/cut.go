package redact

import "strings"

// cutMark is what stands at the end of a value that is cut short.
const cutMark = "…"

// cutEnd is a value that is cut short without the beginning of a secret at its
// end: one that is known, a card's number, or an e-mail address when asked.
func (r *Redactor) cutEnd(s string) string {
	body, cut := strings.CutSuffix(s, cutMark)
	if !cut || body == "" {
		return s
	}
	for _, known := range r.secrets {
		for n := min(len(known)-1, len(body)); n >= knownPart; n-- {
			if strings.HasSuffix(body, known[:n]) {
				return body[:len(body)-n] + r.Fingerprint(known) + cutMark
			}
		}
	}
	digits, start := 0, len(body)
	for start > 0 && ('0' <= body[start-1] && body[start-1] <= '9' || digits > 0 && (body[start-1] == ' ' || body[start-1] == '-')) {
		start--
		if body[start] != ' ' && body[start] != '-' {
			digits++
		}
	}
	start += len(body[start:]) - len(strings.TrimLeft(body[start:], " -"))
	if digits >= cardPart && digits < cardMax && strings.IndexByte("23456", body[start]) >= 0 {
		return body[:start] + r.Fingerprint(onlyDigits(body[start:])) + cutMark
	}
	if at := strings.LastIndexByte(body, '@'); r.policy.Email() && at >= 0 && !strings.ContainsAny(body[at:], " \t\r\n\"'<>,;") {
		if start := localStart(body, at, 0); start < at {
			return body[:start] + r.Fingerprint(body[start:]) + cutMark
		}
	}
	return s
}

const (
	knownPart = 4 // bytes of a known secret that give it away
	cardPart  = 8 // digits of a card's number, two more than may be shown of it (PCI DSS 3.4)
)

// cells is a line of a table in text in which cells that are known secrets,
// however short, are redacted: the line does not have the names of the columns.
func (r *Redactor) cells(line string) string {
	if len(r.secrets) == 0 {
		return line
	}
	secret := set(r.secrets...)
	var b strings.Builder
	done := 0
	for i := 0; i <= len(line); i++ {
		if i < len(line) && strings.IndexByte(",;\t|\r\n", line[i]) < 0 {
			continue
		}
		if cell := unquotedCell(line[done:i]); secret[cell] {
			b.WriteString(r.Fingerprint(cell))
		} else {
			b.WriteString(line[done:i])
		}
		if i < len(line) {
			b.WriteByte(line[i])
		}
		done = i + 1
	}
	return b.String()
}
