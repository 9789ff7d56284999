package export

import (
	"bufio"
	"fmt"
	"go/format"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/quackproxy/quack/internal/wording"
	"github.com/quackproxy/quack/reports"
)

// goAsk is the part of the program that is the same for all. Targets are sent
// as they came: a parsed URL would be cleaned.
const goAsk = `
// ask sends one request and prints the answer. Redirects are not followed.
func ask(side, method, base, target string, header http.Header, body string) {
	req, err := http.NewRequest(method, base, strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	path, query, asks := strings.Cut(target, "?")
	if plain, err := url.PathUnescape(path); strings.HasPrefix(path, "//") && err == nil {
		req.URL.Path, req.URL.RawPath = plain, path
	} else {
		req.URL.Opaque = path
	}
	req.URL.RawQuery, req.URL.ForceQuery = query, asks
	if host := header.Get("Host"); host != "" {
		req.Host = host
	}
	req.Header = header
	client := &http.Client{
		Transport:     &http.Transport{DisableCompression: %t},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	fmt.Printf("%%s: %%s\n", side, res.Status)
	if err := res.Header.Write(os.Stdout); err != nil {
		log.Fatal(err)
	}
	fmt.Println()
	if _, err := io.Copy(os.Stdout, res.Body); err != nil {
		log.Fatal(err)
	}
	fmt.Println()
}
`

// writeGo writes a program that asks and prints the answers: go run main.go.
func writeGo(b *bufio.Writer, c *reports.Comparison, asks []ask) error {
	var src strings.Builder
	fmt.Fprintf(&src, "// Asks again what comparison %s asked: go run main.go\npackage main\n\n", wording.Visible(c.ID))
	src.WriteString("import (\n\t\"fmt\"\n\t\"io\"\n\t\"log\"\n\t\"net/http\"\n\t\"net/url\"\n\t\"os\"\n\t\"strings\"\n)\n\nfunc main() {\n")
	packed := false
	for _, a := range asks {
		base, target := a.split()
		src.WriteString(a.comments("//"))
		header := goHeader(a.fields, &packed)
		fmt.Fprintf(&src, "ask(%s, %s, %s, %s, %s, %s)\n", strconv.Quote(a.title()), strconv.Quote(a.method), strconv.Quote(base), goText(target), header, goText(string(a.body)))
	}
	src.WriteString("}\n")
	fmt.Fprintf(&src, goAsk, !packed)
	code, err := format.Source([]byte(src.String()))
	if err != nil {
		return fmt.Errorf("format the program: %w", err)
	}
	_, err = b.Write(code)
	return err
}

// goHeader is a header as a literal. Accept-Encoding is left to net/http, which
// then unpacks the answer: packed says so.
func goHeader(fields []field, packed *bool) string {
	var b strings.Builder
	b.WriteString("http.Header{\n")
	agent := false
	for i := 0; i < len(fields); i++ {
		name := fields[i].name
		values := []string{strconv.Quote(fields[i].value)}
		for i+1 < len(fields) && fields[i+1].name == name {
			i++
			values = append(values, strconv.Quote(fields[i].value))
		}
		if name == "Accept-Encoding" {
			*packed = true
			continue
		}
		agent = agent || name == "User-Agent"
		fmt.Fprintf(&b, "%s: {%s},\n", strconv.Quote(name), strings.Join(values, ", "))
	}
	if !agent { // which would name Go
		b.WriteString("\"User-Agent\": {\"\"},\n")
	}
	b.WriteString("}")
	return b.String()
}

// goText is a string literal, a raw one where that is easier to read.
func goText(s string) string {
	if strings.ContainsAny(s, "\"\n\\") && !strings.ContainsAny(s, "`\r\ufeff") && utf8.ValidString(s) && harmless(s) {
		return "`" + s + "`"
	}
	return strconv.Quote(s)
}
