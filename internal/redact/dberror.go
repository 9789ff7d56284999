package redact

import (
	"regexp"
	"strings"
)

// What databases say of a key that is there already. PostgreSQL: "Key (tenant,
// token)=(7, abc) already exists"; MariaDB: "Duplicate entry 'abc' for key
// 'sessions.token'".
var (
	postgresKey = regexp.MustCompile(`\(([^()]{1,500})\)=\(`)
	mariaKey    = regexp.MustCompile(`(?s)Duplicate entry '(.{1,800}?)' for key '([^']{1,300})'`)
)

// databaseErrors are the values of columns in the errors of databases, which do
// not stand beside their names.
func (r *Redactor) databaseErrors(s string) string {
	if strings.Contains(s, ")=(") {
		s = r.postgresKeys(s)
	}
	if !strings.Contains(s, "Duplicate entry '") {
		return s
	}
	var b strings.Builder
	done := 0
	for _, at := range mariaKey.FindAllStringSubmatchIndex(s, -1) {
		if value := s[at[2]:at[3]]; r.secretName(s[at[4]:at[5]]) && !isMark(value) {
			b.WriteString(s[done:at[2]] + r.secret(value))
			done = at[3]
		}
	}
	return b.String() + s[done:]
}

// postgresKeys redacts all values of a key of which one column is a secret: which
// is which can not be told when a value has a comma in it.
func (r *Redactor) postgresKeys(s string) string {
	var b strings.Builder
	done := 0
	for _, at := range postgresKey.FindAllStringSubmatchIndex(s, -1) {
		if at[0] < done {
			continue
		}
		secret := false
		for name := range strings.SplitSeq(s[at[2]:at[3]], ",") {
			secret = secret || r.secretName(strings.TrimSpace(name))
		}
		if !secret {
			continue
		}
		end := len(s)
		if n := strings.Index(s[at[1]:], ") "); n >= 0 {
			end = at[1] + n
		} else if strings.HasSuffix(s, ")") {
			end--
		} else if n := strings.LastIndexByte(s[at[1]:], ')'); n >= 0 {
			end = at[1] + n
		}
		if value := s[at[1]:end]; value != "" && !isMark(value) {
			b.WriteString(s[done:at[1]] + r.secret(value))
			done = end
		}
	}
	return b.String() + s[done:]
}
