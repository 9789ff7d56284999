package redact

import (
	"net/url"
	"strings"
)

// secretNames are the names of members, fields and parameters whose values are
// secrets, folded: lower case, without "-", "_" and " ". They are matched
// whole: "pin" is no secret in "shipping" or "pinned". A number behind them, and
// an "s" behind those that are no shorter than 5 letters, change nothing.
var secretNames = set(
	"password", "passwd", "pwd", "pass", "userpass", "dbpass", "passphrase", "passcode", "passwordagain", "passwordrepeat",
	"encryptedpassword",
	"secret", "clientsecret", "credential",
	"token", "jwt", "bearer", "authorization", "proxyauthorization",
	"cookie", "setcookie", "session", "sid", "jsessionid", "phpsessid", "csrf", "xsrf",
	"otp", "totp", "onetimepassword", "onetimecode", "mfacode", "verificationcode", "recoverycode", "backupcode",
	"signature", "sig",
	"cardnumber", "cardno", "ccnumber", "ccnum", "creditcard", "creditcardnumber", "debitcardnumber", "primaryaccountnumber",
	"cvv", "cvc", "csc", "cardcvv", "cardcvc", "cardcode", "securitycode", "pin", "pincode", "pinnumber",
	"ssn", "socialsecuritynumber", "socialsecurity", "taxid", "taxidnumber", "nationalid", "passportnumber",
	"iban", "bankaccount", "bankaccountnumber", "accountnumber", "routingnumber", "sortcode",
)

// secretEndings are how names of secrets end, folded: nothing else ends so.
var secretEndings = []string{
	"apikey", "accesskey", "accesskeyid", "secretkey", "privatekey", "signingkey", "encryptionkey", "subscriptionkey", "sessionkey", "authkey", "sessionid",
	"passwordhash", "passworddigest", "passwordsalt", "passwordconfirm", "passwordconfirmation", "tokenhash", "tokendigest", "tokenvalue", "secrethash", "secretvalue",
}

// lastWords are the words at the end of names that make them a secret's.
var lastWords = []string{"token", "secret", "password", "passwd", "passphrase", "credential", "signature"}

// secretHeaders are the header fields whose whole values are secrets, folded.
// Cookie fields are not among them: their names and attributes are kept.
var secretHeaders = set("authorization", "proxyauthorization", "baggage", "quackcontext", "authenticationinfo", "proxyauthenticationinfo", "xamzsecuritytoken", "xforwardedclientcert")

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

func fold(name string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '-' || c == '_' || c == ' ':
			return -1
		case 'A' <= c && c <= 'Z':
			return c + 'a' - 'A'
		}
		return c
	}, name)
}

// nameBreaks part a nested name into its names.
const nameBreaks = "[](){}.:;,/$@#&=|'\"\\"

// secretName reports whether a member, field, parameter or column of this name
// holds a secret: password, token, card_number, cvv and the like, names that end
// in such a word ("resetToken", "client-secret", "stripeApiKey"), and what the
// policy names. Of a nested name, "user[password]" or "user.password", every
// part is looked at.
func (r *Redactor) secretName(name string) bool {
	for len(name) > 0 {
		part := name
		if end := strings.IndexAny(name, nameBreaks); end >= 0 {
			part, name = name[:end], name[end+1:]
		} else {
			name = ""
		}
		if secretPart(part) || r.policy != nil && r.policy.named(part) {
			return true
		}
	}
	return false
}

// named reports whether the policy takes a name for a secret's.
func (p *Policy) named(name string) bool {
	if name == "" || len(name) > 2*nameMax || len(p.names) == 0 && !p.email {
		return false
	}
	folded := fold(name)
	return p.folded[folded] || p.email && emailNames[folded]
}

func secretPart(name string) bool {
	if unknownField(name) {
		return true
	}
	if len(name) < 3 || len(name) > 80 {
		return false
	}
	name = strings.TrimRight(strings.TrimRight(name, "0123456789"), "-_ ")
	folded := fold(name)
	if secretNames[folded] || len(folded) > 5 && secretNames[strings.TrimSuffix(folded, "s")] {
		return true
	}
	folded = strings.TrimSuffix(folded, "s")
	if folded == "" || strings.IndexByte("dehlmnty", folded[len(folded)-1]) < 0 {
		return false // no ending and no last word ends so
	}
	for _, ending := range secretEndings {
		if strings.HasSuffix(folded, ending) {
			return true
		}
	}
	for _, word := range lastWords {
		if lastWord(name, word) {
			return true
		}
	}
	return false
}

// lastWord reports whether name ends in the word: after "-", "_" or a space,
// or with a capital as in camel case. "plural" forms count as well.
func lastWord(name, word string) bool {
	name = strings.TrimSuffix(name, "s")
	if len(name) < len(word) || !strings.EqualFold(name[len(name)-len(word):], word) {
		return false
	}
	if len(name) == len(word) {
		return true
	}
	before, first := name[len(name)-len(word)-1], name[len(name)-len(word)]
	return before == '-' || before == '_' || before == ' ' || 'A' <= first && first <= 'Z' && !('A' <= before && before <= 'Z')
}

func (r *Redactor) secretHeader(name string) bool {
	folded := fold(name)
	return secretHeaders[folded] || strings.HasPrefix(folded, "quackshadow") || r.secretName(name)
}

// escapesMax is how often what is escaped within what is escaped is looked at.
const escapesMax = 3

// decodedName is a name without the escapes of a URL.
func decodedName(name string) string {
	for range escapesMax {
		if strings.IndexByte(name, '%') < 0 {
			break
		}
		plain, err := url.QueryUnescape(name)
		if err != nil {
			break
		}
		name = plain
	}
	return name
}
