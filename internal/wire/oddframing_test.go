package wire

import "strings"

func oddLengths() []odd {
	var all []odd
	for _, l := range []string{post, line} {
		all = append(all, each("RFC 9110 8.6: a length is digits", refuse, l+host+"Content-Length: {V}\r\n"+end+"{S}", "",
			"+{N}", "-{N}", "-0", "0x{X}", "{X}h", "{N}.0", "{N}.", "{N} {N}", "{N};a", "\"{N}\"", "{N}x", "x{N}", "4e1", "", "{N}, 5", "5, {N}", "{N},", ",{N}", "{N}\x00", "\x00{N}", "\x0b{N}", "{N}\x0b", "{N}\x0c", "\xa0{N}", "{N}\xa0", "_{N}", "4_0", "4'0", "٤٠",
			"99999999999999999999", "18446744073709551660", "9223372036854775808", "184467440737095516160000000044", "chunked", "{N}\r", "{N}\rX: y")...)
		all = append(all, each("6.3: two lengths", refuse, l+host+"{V}"+end+"{S}", "",
			"Content-Length: {N}\r\nContent-Length: 5\r\n", "Content-Length: 5\r\nContent-Length: {N}\r\n", "Content-Length: 0\r\nContent-Length: {N}\r\n", "Content-Length: {N}\r\nContent-Length: x\r\n", "Content-Length: x\r\nContent-Length: {N}\r\n",
			"Content-Length: {N}\r\ncontent-length: 5\r\n", "Content-Length: {N}\r\nX: y\r\nCONTENT-LENGTH: 5\r\n", "Content-Length: {N}\r\nContent-Length:\r\n", "Content-Length: {N}\r\nContent-Length: +{N}\r\n", "Content-Length: {N}\r\nContent-Length: 0{N}\r\n")...)
		all = append(all, each("5.1: the name of a length", refuse, l+host+"{V}"+end+"{S}", "",
			"Content-Length : {N}\r\n", "Content-Length\t: {N}\r\n", " Content-Length: {N}\r\n", "\tContent-Length: {N}\r\n", "Content Length: {N}\r\n", "Content-Length\x00: {N}\r\n", "\x00Content-Length: {N}\r\n", "Content-Length\x0b: {N}\r\n", "Content-Length {N}\r\n", "Content-Length={N}\r\n", "Content-Length;: {N}\r\n",
			"Content-Length:\r\n {N}\r\n", "Content-Length:\r\n\t{N}\r\n", "Content-Length: {N}\r\n 0\r\n", "Content-Length:\n {N}\r\n", "X: y\rContent-Length: {N}\r\n", "X: y\nContent-Length: {N}\r\n", "X: y\r\n Content-Length: {N}\r\n", "Content-Length\r\n: {N}\r\n", "\"Content-Length\": {N}\r\n")...)
		all = append(all, each("5.1: a name that a CGI application takes for a length", refuse, l+host+"{V}: {N}\r\n"+end+"{S}", "", "Content_Length", "CONTENT_LENGTH")...)
		all = append(all, each("RFC 9110 8.6: the same length, said again", either, l+host+"{V}"+end+"{S}", "{S}", "Content-Length: {N}, {N}\r\n", "Content-Length: {N}\r\nContent-Length: {N}\r\n", "Content-Length: {N},{N},{N}\r\n")...)
		all = append(all, each("RFC 9110 8.6: a length with zeros before it", either, l+host+"Content-Length: {V}{N}\r\n"+end+"{S}", "{S}", "0", "000000000000", strings.Repeat("0", 100))...)
		all = append(all, each("5.1: a length as it may be written", pass, l+host+"{V}"+end+"{S}", "{S}", "content-length: {N}\r\n", "CONTENT-LENGTH:{N}\r\n", "Content-Length: {N} \r\n", "Content-Length:\t{N}\t \r\n")...)
	}
	return all
}

func oddCodings() []odd {
	var all []odd
	bad := []string{
		"chunked, identity", "identity, chunked", "chunked, chunked", "xchunked", "chunkedx", "chunk", "chunked;q=1", "chunked; a=b", "\"chunked\"", "'chunked'", "gzip", "gzip, chunked", "chunked, gzip", "identity", "chunked identity", "chun ked", "",
		"chunked\x00", "\x00chunked", "\x0bchunked", "chunked\x0b", "chunked\x0c", "\x0cchunked", "chunked\xa0", "\xa0chunked", "ch\xfcnked", "x", "cow, chunked", "chunked;", "chunked\r", "chunked\rX: y", "\rchunked", "chunked\x1f", "[chunked]", "chunked:", "deflate", "compress, chunked", "chunked, x", "chunked,,identity", "null", "0",
	}
	lines := []string{
		chunked + chunked, chunked + "Transfer-Encoding: identity\r\n", "Transfer-Encoding: identity\r\n" + chunked, "Transfer-Encoding: gzip\r\n" + chunked, "Transfer-Encoding: x\r\n" + chunked, chunked + "transfer-encoding: x\r\n", chunked + "Transfer-Encoding:\r\n",
		"Transfer-Encoding : chunked\r\n", "Transfer-Encoding\t: chunked\r\n", " Transfer-Encoding: chunked\r\n", "Transfer-Encoding\x00: chunked\r\n", "\x00Transfer-Encoding: chunked\r\n", "Transfer Encoding: chunked\r\n", "Transfer-Encoding\x0b: chunked\r\n", "Transfer-Encoding chunked\r\n", "Transfer-Encoding=chunked\r\n",
		"Transfer-Encoding:\r\n chunked\r\n", "Transfer-Encoding:\r\n\tchunked\r\n", "Transfer-Encoding: chunked\r\n x\r\n", "Transfer-Encoding: x\r\n chunked\r\n", "Transfer-Encoding:\n chunked\r\n", "X: y\nTransfer-Encoding: chunked\r\n", "X: y\rTransfer-Encoding: chunked\r\n", "X: y\r\n Transfer-Encoding: chunked\r\n", "Transfer-Encoding\r\n: chunked\r\n", "X: y\r\n\tTransfer-Encoding: chunked\r\n",
		"Transfer_Encoding: chunked\r\n", "TRANSFER_ENCODING: chunked\r\n",
	}
	for _, v := range bad {
		lines = append(lines, "Transfer-Encoding: "+v+"\r\n")
	}
	all = append(all, each("6.1: the coding of a body is chunked or nothing", refuse, post+host+"{V}"+end+"0\r\n\r\n{S}", "", lines...)...)
	all = append(all, each("6.1: and with a length behind it", refuse, post+host+"{V}Content-Length: 5\r\n"+end+"0\r\n\r\n{S}", "", lines...)...)
	all = append(all, each("6.1: and with a length before it", refuse, line+host+"Content-Length: 5\r\n{V}"+end+"0\r\n\r\n{S}", "", lines...)...)
	all = append(all, each("7: chunked as it may be written", pass, post+host+"{V}"+end+"{X}\r\n{S}\r\n0\r\n\r\n", "{S}",
		"Transfer-Encoding: Chunked\r\n", "Transfer-Encoding: CHUNKED\r\n", "Transfer-Encoding:chunked\r\n", "Transfer-Encoding:  chunked \r\n", "Transfer-Encoding:\tchunked\t\r\n", "TRANSFER-ENCODING: chunked\r\n", "transfer-encoding: chunked\r\n")...)
	return append(all, each("RFC 9110 5.6.1: a list with empty elements", either, post+host+"Transfer-Encoding: {V}\r\n"+end+"{X}\r\n{S}\r\n0\r\n\r\n", "{S}", ",chunked", "chunked,", ", chunked ,")...)
}

func oddBoth() []odd {
	var all []odd
	lengths := []string{"0", "5", "{N}", "3", "+5", "x", "", "5, 5", "99999999999999999999"}
	for _, l := range []string{post, line, "POST {T} HTTP/1.0\r\n"} {
		all = append(all, each("6.1: both lengths, chunked first", refuse, l+host+chunked+"Content-Length: {V}\r\n"+end+"0\r\n\r\n{S}", "", lengths...)...)
		all = append(all, each("6.1: both lengths, chunked last", refuse, l+host+"Content-Length: {V}\r\n"+chunked+end+"0\r\n\r\n{S}", "", lengths...)...)
	}
	return all
}

func oddChunkSizes() []odd {
	var all []odd
	head := post + host + chunked + end
	for _, at := range []struct{ name, before string }{{"first", ""}, {"second", "3\r\nabc\r\n"}} {
		all = append(all, each("7.1: the size of the "+at.name+" chunk", refuse, head+at.before+"{V}hello\r\n0\r\n\r\n{S}", "",
			"\r\n", " 5\r\n", "5 \r\n", "+5\r\n", "-5\r\n", "0x5\r\n", "0X5\r\n", "5g\r\n", "g\r\n", "5.0\r\n", "\t5\r\n", "5\t\r\n", "5\x00\r\n", "\x005\r\n", "5\x0b\r\n", "5,5\r\n", "5:\r\n", "5=\r\n", "\"5\"\r\n", "5 5\r\n", "٥\r\n", "5h\r\n", "_5\r\n",
			"5\n", "5\r", "5\r\r\n", "5\n\r", "5\r \n", "5\x0c\r\n", "ffffffffffffffff\r\n", "10000000000000005\r\n", "ffffffffffffffff5\r\n", "100000000000000000000000000000005\r\n", "\n5\r\n", "\r\n5\r\n", "5\xa0\r\n", "5/\r\n", "%35\r\n")...)
	}
	all = append(all, each("7.1: the size of the last chunk", refuse, head+"5\r\nhello\r\n{V}{S}", "",
		" 0\r\n\r\n", "0 \r\n\r\n", "-0\r\n\r\n", "+0\r\n\r\n", "0x0\r\n\r\n", "\r\n\r\n", "0\n\r\n", "0\r\n\n", "0\n\n", "0\r\r\n\r\n", "0\r\n\r", "0\r\n \r\n", "0\x00\r\n\r\n", "0\r\r", "\x000\r\n\r\n", "0x\r\n\r\n", "0.\r\n\r\n", "O\r\n\r\n", "0\t\r\n\r\n")...)
	all = append(all, each("7.1: zeros are digits", pass, head+"{V}\r\n{S}\r\n0\r\n\r\n", "{S}", "0{X}", "00000{X}")...)
	all = append(all, each("7.1: a last chunk of many zeros", pass, head+"{X}\r\n{S}\r\n{V}\r\n\r\n", "{S}", "00", "000000")...)
	return append(all, each("7.1: more zeros than anybody needs", either, head+"{V}{X}\r\n{S}\r\n0\r\n\r\n", "{S}", strings.Repeat("0", 15), strings.Repeat("0", 40))...)
}

func oddChunks() []odd {
	var all []odd
	head := post + host + chunked + end
	for _, at := range []struct{ name, before, after string }{{"first", "", "3\r\nabc\r\n"}, {"second", "3\r\nabc\r\n", ""}} {
		all = append(all, each("7.1: how the data of the "+at.name+" chunk ends", refuse, head+at.before+"5\r\nhello{V}"+at.after+"0\r\n\r\n{S}", "",
			"", "\n", "\r", "x\r\n", "\r\r\n", " \r\n", "\x00\x00", "\n\r", "\r\n\r\n", "\r\nx", "xx", "\r\n ", "\t\r\n", "; \r\n", "\r\n\n", "\r0\n")...)
	}
	return append(all,
		odd{"7.1: less data than said", refuse, head + "6\r\nhello\r\n0\r\n\r\n{S}", ""},
		odd{"7.1: more data than said", refuse, head + "4\r\nhello\r\n0\r\n\r\n{S}", ""},
		odd{"7.1: no size at all", refuse, head + "{S}", ""},
		odd{"7.1: not chunked at all", refuse, head + "hello\r\n\r\n{S}", ""},
		odd{"7.1: hexadecimal in both cases", pass, post + host + chunked + end + "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789"},
	)
}

func oddExtensions() []odd {
	head := post + host + chunked + end
	all := each("7.1.1: an extension", pass, head+"{X}{V}\r\n{S}\r\n0\r\n\r\n", "{S}", ";a", ";a=b", ";a=\"q\"", ";a=\"q;r=s\"", ";a=b;c=d", ";a;b")
	all = append(all, each("7.1.1: an extension of the last chunk", pass, head+"{X}\r\n{S}\r\n0{V}\r\n\r\n", "{S}", ";a", ";a=b")...)
	all = append(all, each("7.1.1: white space that senders must not make", either, head+"{X}{V}\r\n{S}\r\n0\r\n\r\n", "{S}", "; a=b", ";a =b", ";\ta", "; a ; b", ";", ";;", ";=", ";a=", ";a=\"")...)
	all = append(all, each("7.1.1: white space before an extension", either, head+"{X}{V}\r\n{S}\r\n0\r\n\r\n", "{S}", " ;a", "\t;a")...)
	all = append(all, each("7.1.1: an extension ends in CR LF", refuse, head+"5;a{V}hello\r\n0\r\n\r\n{S}", "", "\n", "\r", "\r\r\n", "\n\r", "\r \n", "\x0b\r\n")...)
	all = append(all, each("7.1.1: also behind the last chunk", refuse, head+"5\r\nhello\r\n0;a{V}{S}", "", "\n\r\n", "\n\n", "\r\r\n", "\r\n\n", "\r\n\r")...)
	return append(all, each("7.1.1: an extension holds no line end and no control byte", refuse, head+"5{V}\r\nhello\r\n0\r\n\r\n{S}", "",
		";a\nb", ";\n", ";a\rb", ";\r", ";a=\"x\r\ny\"", ";\x00", ";a=\x01", ";a=\"\x0b\"", ";a\x7f", ";a=\"\n\"", ";a\n", ";a=b\n\r\n", ";"+strings.Repeat("a", 70000), ";\x0c", ";a\r\r")...)
}

func oddTrailers() []odd {
	head := post + host + chunked + end + "5\r\nhello\r\n0\r\n"
	all := each("7.1.2: a trailer's field", pass, head+"{V}\r\n", "hello", "X-Sum: 7\r\n", "X-Sum:7\r\n", "X-Sum: 7\r\nX-Sum: 8\r\n", "X-Sum: \r\n", "X-Sum: \xe9\r\n")
	all = append(all, each("7.1.2: a malformed trailer", refuse, head+"{V}\r\n{S}", "",
		"X-Sum : 7\r\n", " X-Sum: 7\r\n", "\tX: y\r\n", "X-Sum\r\n", "X-Sum: 7\n", "X-Sum: a\rb\r\n", "X-Sum: \x00\r\n", ": 7\r\n", "X-Sum: 7\r\n folded\r\n", "X Sum: 7\r\n", "X(: 7\r\n", "X-Sum: 7\r\r\n", "X: \x01\r\n", "X\x00: y\r\n", "X: y\n\r\n", "GET /smuggled HTTP/1.1\r\n")...)
	all = append(all, each("RFC 9110 6.5.1: what frames or routes has no place in a trailer", refuse, head+"{V}\r\n{S}", "",
		"Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Host: other\r\n", "content-length: 0\r\n", "Trailer: X\r\n")...)
	return append(all, odd{"7.1.2: a trailer without an end", refuse, head + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 100) + "\r\n{S}", ""})
}
