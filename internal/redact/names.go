package redact

import "strings"

// secretNames are the names of members, fields and parameters whose values are
// secrets, folded: lower case, without "-", "_" and " ". They are matched
// whole: "pin" is no secret in "shipping" or "pinned".
var secretNames = set(
	"password", "passwd", "pwd", "passphrase", "passcode", "passwordconfirmation", "passwordhash", "passworddigest", "encryptedpassword",
	"secret", "secretkey", "clientsecret", "privatekey", "signingkey", "encryptionkey", "credential", "credentials",
	"token", "jwt", "bearer", "authorization", "proxyauthorization", "apikey", "xapikey", "accesskey", "accesskeyid", "subscriptionkey",
	"cookie", "setcookie", "session", "sessionid", "sessionkey", "sid", "jsessionid", "phpsessid", "csrf", "xsrf",
	"otp", "totp", "onetimepassword", "onetimecode", "mfacode", "verificationcode", "recoverycode", "recoverycodes", "backupcodes",
	"cardnumber", "cardno", "ccnumber", "ccnum", "creditcard", "creditcardnumber", "debitcardnumber", "primaryaccountnumber",
	"cvv", "cvv2", "cvc", "cvc2", "csc", "cardcvv", "cardcvc", "cardcode", "securitycode", "pin", "pincode", "pinnumber",
	"ssn", "socialsecuritynumber", "socialsecurity", "taxid", "taxidnumber", "nationalid", "passportnumber",
	"iban", "bankaccount", "bankaccountnumber", "accountnumber", "routingnumber", "sortcode",
)

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

// SecretName reports whether a member, field, parameter or cookie of this name
// holds a secret: password, token, card_number, cvv and the like, and names
// that end in the word token, secret or password ("resetToken",
// "client-secret"). Of a nested name, "user[password]" or "user.password",
// every part is looked at.
func SecretName(name string) bool {
	for len(name) > 0 {
		end := strings.IndexAny(name, "[].:/$@#'\"")
		part := name
		if end >= 0 {
			part, name = name[:end], name[end+1:]
		} else {
			name = ""
		}
		if secretPart(part) {
			return true
		}
	}
	return false
}

func secretPart(name string) bool {
	if unknownField(name) {
		return true
	}
	if len(name) < 3 || len(name) > 80 {
		return false
	}
	return secretNames[fold(name)] || lastWord(name, "token") || lastWord(name, "secret") || lastWord(name, "password") || lastWord(name, "passwd")
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

func secretHeader(name string) bool {
	folded := fold(name)
	return secretHeaders[folded] || strings.HasPrefix(folded, "quackshadow") || SecretName(name) ||
		strings.HasSuffix(folded, "apikey") || strings.HasSuffix(folded, "accesskey") || strings.HasSuffix(folded, "subscriptionkey")
}
