package routes

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

func (l *loader) readBackends(_ Position, n *yamlNode) {
	if !l.is(n, "backends", yamlMapping) {
		return
	}
	if len(n.entries) == 0 {
		l.fault(n.pos, "backends is empty", "name at least the monolith: backends: {monolith: {urls: [http://127.0.0.1:3000]}}")
	}
	for _, e := range n.entries {
		l.identifier(e, "backend")
		l.backends[e.key] = l.backend(e)
	}
}

// identifier checks a name that goes into metrics and environment variables.
func (l *loader) identifier(e yamlEntry, what string) {
	for i, c := range e.key {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || c != '-' && c != '_' && c != '.') || len(e.key) > 63 {
			l.fault(e.pos, fmt.Sprintf("%s %s is not a name", what, quoted(e.key)),
				"use up to 63 letters, digits, dots, dashes and underscores, with a letter or digit first")
			return
		}
	}
	if e.key == "" {
		l.fault(e.pos, what+" has no name", "give it one: monolith, accounts")
	}
}

// backend reads one backend. It is known by its name even when it has faults,
// so that these are not reported at each route as well.
func (l *loader) backend(e yamlEntry) *Backend {
	b := &Backend{Name: e.key, Rollback: RollbackNone, Protocol: ProtocolHTTP1, Reuse: ReuseIdempotent, Host: HostKeep, Position: e.pos}
	what := "backend " + e.key
	urls := false
	ok := l.mapping(e.val, what,
		field{"urls", func(_ Position, n *yamlNode) { urls = true; l.readURLs(b, n) }},
		field{"protocol", func(_ Position, n *yamlNode) { readWord(l, n, "protocol", protocols, &b.Protocol) }},
		field{"reuse", func(_ Position, n *yamlNode) { readWord(l, n, "reuse", reuses, &b.Reuse) }},
		field{"compress", func(_ Position, n *yamlNode) { l.readCompress(b, n) }},
		field{"host", func(_ Position, n *yamlNode) { l.readHost(b, n) }},
		field{"max_conns", func(_ Position, n *yamlNode) { b.MaxConns = l.count(n, "max_conns", 1, maxCalls) }},
		field{"connect_timeout", func(_ Position, n *yamlNode) { b.ConnectTimeout, _ = l.duration(n, "connect_timeout", false) }},
		field{"tls", func(_ Position, n *yamlNode) { l.readTLS(b, n) }},
		field{"health", func(_ Position, n *yamlNode) { l.readHealth(b, n) }},
		field{"outlier", func(_ Position, n *yamlNode) { l.readOutlier(b, n) }},
		field{"breaker", func(_ Position, n *yamlNode) { l.readBreaker(b, n) }},
		field{"rollback", func(_ Position, v *yamlNode) { l.readRollback(b, v) }},
		field{"proof", func(_ Position, v *yamlNode) { b.Proof = l.requestPath(v, "proof", "/accounts/1") }},
		field{"lanes", func(_ Position, v *yamlNode) { l.readLanes(b, v) }},
		field{"database", func(_ Position, n *yamlNode) { l.readDatabase(b, n) }},
	)
	if ok && !urls {
		l.fault(e.pos, what+" has no urls", "say where it listens: urls: [http://127.0.0.1:3000]")
	}
	if t := e.val.value("tls"); t != nil && t.kind == yamlMapping && urls && !b.https() {
		l.fault(t.pos, what+" has tls and no URL with https", "write its urls with https://, or remove tls")
	}
	if ok && !b.bad {
		l.checkRollback(b, e)
	}
	if b.Rollback == RollbackLanes {
		b.forLanes = b.makeLanes()
	}
	return b
}

// https reports whether an instance is spoken to over TLS.
func (b *Backend) https() bool {
	return slices.ContainsFunc(b.URLs, func(u *url.URL) bool { return u.Scheme == "https" })
}

func (l *loader) readURLs(b *Backend, n *yamlNode) {
	if !l.is(n, "urls", yamlSequence) {
		return
	}
	if len(n.items) == 0 {
		l.fault(n.pos, fmt.Sprintf("backend %s has no urls", b.Name), "say where it listens: urls: [http://127.0.0.1:3000]")
	}
	seen := map[string]Position{}
	for _, item := range n.items {
		if !l.is(item, "a URL", yamlString) {
			continue
		}
		u, text, remedy := parseURL(item.text)
		if u == nil {
			l.fault(item.pos, text, remedy)
			continue
		}
		if before, twice := seen[u.String()]; twice {
			l.fault(item.pos, fmt.Sprintf("the URL %s stands twice (first at %s)", u, before.short()), "keep one of the two: each is one instance")
			continue
		}
		seen[u.String()] = item.pos
		b.URLs = append(b.URLs, u)
	}
}

// parseURL reads the URL of an instance, scheme and host only. What may be a
// secret in it (user, password, query) does not come into a message.
func parseURL(s string) (u *url.URL, text, remedy string) {
	const form = "write the scheme and the host, and nothing else: http://127.0.0.1:3000"
	if strings.Contains(s, "@") {
		return nil, "a URL carries a user name or a password", "secrets do not belong in routes.yaml; " + form
	}
	u, err := url.Parse(s)
	switch {
	case strings.ContainsAny(s, "?#"):
		return nil, "a URL carries a query or a fragment", form
	case err != nil || u.Scheme == "" || u.Host == "" && u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Sprintf("%s is not a URL of http or https", quoted(s)), form
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Sprintf("%s is not a URL of http or https", quoted(s)), form
	case u.Hostname() == "":
		return nil, fmt.Sprintf("the URL %s has no host", quoted(s)), form
	case u.Path != "":
		return nil, fmt.Sprintf("the URL %s has a path", quoted(s)),
			fmt.Sprintf("write %s://%s; a path of its own for one side is rewrite: {new: {path: /v2/accounts}} on a route", u.Scheme, u.Host)
	}
	if strings.HasSuffix(u.Host, ":") {
		return nil, fmt.Sprintf("the URL %s has no port behind its colon", quoted(s)), form
	}
	if port := u.Port(); port != "" {
		if p, err := strconv.Atoi(port); err != nil || p < 1 || p > 65535 {
			return nil, fmt.Sprintf("the URL %s has no valid port", quoted(s)), "use a port from 1 to 65535"
		}
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, "", ""
}

// has reports whether a mapping states a key.
func (n *yamlNode) has(key string) bool { return n.value(key) != nil }

// value is the value of a mapping's key, nil when it is not stated.
func (n *yamlNode) value(key string) *yamlNode {
	for _, e := range n.entries {
		if e.key == key {
			return e.val
		}
	}
	return nil
}

func (l *loader) readDatabase(b *Backend, n *yamlNode) {
	name, ok := l.name(n, "database")
	if !ok {
		return
	}
	if strings.ContainsAny(name, ":=@") {
		l.fault(n.pos, "database takes a name, not an address",
			fmt.Sprintf("name the database under databases:, and put its address in the environment: database: shop, databases: {shop: {}} and %s", databaseEnv("shop")))
		return
	}
	if _, known := l.databases[name]; !known {
		text := fmt.Sprintf("unknown database %s", quoted(name))
		if len(l.databases) == 0 {
			l.fault(n.pos, text, fmt.Sprintf("name it: databases: {%s: {}}", name))
			return
		}
		l.fault(n.pos, text, choice(name, sortedKeys(l.databases)))
		return
	}
	b.Database = name
}

func (l *loader) unknownBackend(n *yamlNode, name string) {
	if len(l.backends) == 0 {
		l.fault(n.pos, fmt.Sprintf("unknown backend %s", quoted(name)), "there are none: name it under backends:")
		return
	}
	l.fault(n.pos, fmt.Sprintf("unknown backend %s", quoted(name)), choice(name, sortedKeys(l.backends)))
}
