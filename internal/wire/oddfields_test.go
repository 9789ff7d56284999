package wire

import "strings"

func oddNames() []odd {
	all := each("5.1: a name is a token", refuse, line+host+"X{V}Y: v\r\n"+end+"{S}", "", controls()...)
	all = append(all, each("5.1: a name is a token", refuse, line+host+"X{V}Y: v\r\n"+end+"{S}", "",
		" ", "\t", "\"", "(", ")", ",", "/", ";", "<", "=", ">", "?", "@", "[", "\\", "]", "{", "}", "\x80", "\xff", "\xc3\xa9", "\u00a0")...)
	all = append(all, each("5.1: a field without a name, or without a colon", refuse, line+host+"{V}\r\n"+end+"{S}", "",
		": v", ":", " : v", "X", "X v", "X ", "GET /smuggled HTTP/1.1", "\x00", "X =v", "::", "(: v")...)
	all = append(all, each("5.1: no space before the colon", refuse, line+host+"X{V}: v\r\n"+end+"{S}", "", " ", "\t", "  ", " \t", "\x0b", "\xa0")...)
	return append(all, each("5.1: all of a token's characters", pass, line+host+"X{V}Y: v\r\n"+end, "",
		"!", "#", "$", "%", "&", "'", "*", "+", "-", ".", "^", "`", "|", "~", "0")...)
}

func oddValues() []odd {
	all := each("RFC 9110 5.5: a value holds no control bytes", refuse, line+host+"X: a{V}b\r\n"+end+"{S}", "", controls()...)
	all = append(all, each("RFC 9110 5.5: nor at its ends", refuse, line+host+"X:{V}\r\n"+end+"{S}", "", "\x00", "\x00a", "a\x00", " \x01", "a\x7f", "\x0b", "\x0ca")...)
	all = append(all, each("2.2: nor a bare CR or LF", refuse, line+host+"X: a{V}b\r\n"+end+"{S}", "", "\r", "\n", "\n\r", "\r\r", "\rY: z", "\nY: z", "\n\n", "\r\r\n")...)
	return append(all, each("RFC 9110 5.5: what a value may hold", pass, line+host+"X:{V}\r\n"+end, "",
		"", " ", "\t", " a\tb", " \x80", " \xff", " \xc3\xa9", " a:b", " \"q\"", " ,", " (c)", " {}", "   a   ", " "+strings.Repeat("v", 8000), " GET /smuggled HTTP/1.1")...)
}

func oddFolds() []odd {
	var all []odd
	for _, l := range []string{line, post} {
		all = append(all, each("5.2: a folded field", refuse, l+host+"{V}"+end+"{S}", "",
			"X: a\r\n b\r\n", "X: a\r\n\tb\r\n", "X:\r\n a\r\n", "X: a\r\n  b\r\n c\r\n", "X: a\r\n \r\n", "X: a\n b\r\n", "X: a\r\n \tContent-Length: 5\r\n", "X: a\r\n : b\r\n", "X: a\r\n GET /smuggled HTTP/1.1\r\n", "Connection:\r\n close\r\n", "Cookie: a=b;\r\n c=d\r\n")...)
	}
	return append(all, each("2.2: a line of white space before the first field", refuse, line+"{V}"+host+end+"{S}", "", " X: y\r\n", "\tX: y\r\n", " \r\n", "\t\r\n", " ", "\t")...)
}

func oddConnections() []odd {
	all := each("RFC 9110 7.6.1: what frames a message is of no one connection only", either, post+host+"Connection: {V}\r\nContent-Length: {N}\r\n"+end+"{S}", "{S}", "Content-Length", "close, Content-Length", "Host", "keep-alive, Host")
	all = append(all, each("RFC 9110 7.6.1: nor does Connection take the coding away", either, post+host+"Connection: {V}\r\n"+chunked+end+"{X}\r\n{S}\r\n0\r\n\r\n", "{S}", "Transfer-Encoding", "close, transfer-encoding")...)
	all = append(all, each("9.6: behind close nothing comes", pass, line+host+"Connection: {V}\r\n"+end+"{S}", "", "close", "Close", "keep-alive, close", "close, X-Hop", "x,close")...)
	all = append(all, each("9.3: nor after a request of HTTP/1.0 with a body", pass, "POST {T} HTTP/1.0\r\n"+host+"Content-Length: {V}\r\n"+end+"hello{S}", "hello", "5")...)
	all = append(all, each("RFC 9110 7.8: h2c is not switched to", pass, line+host+"Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: {V}\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"+end+"{S}", "", "h2c", "H2C")...)
	all = append(all, each("RFC 9110 10.1.1: an expectation", either, post+host+"Expect: {V}\r\nContent-Length: {N}\r\n"+end+"{S}", "{S}", "100-continue", "100-Continue", "x", "", "100-continue, x")...)
	return append(all, each("RFC 9110 10.1.1: an expectation of chunks", either, post+host+"Expect: {V}\r\n"+chunked+end+"{X}\r\n{S}\r\n0\r\n\r\n", "{S}", "100-continue", "x")...)
}
