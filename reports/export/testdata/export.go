// Asks again what comparison c00007 asked: go run main.go
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
)

func main() {
	// fill in what is [redacted:…] in header Authorization, the URL
	// this POST is not rolled back: it writes
	ask("legacy: monolith", "POST", "http://127.0.0.1:3000", "/ducks?token=[redacted:ab12cd34]", http.Header{
		"Host":          {"shop.example"},
		"Accept":        {"*/*"},
		"Authorization": {"Bearer [redacted:12345678]"},
		"Content-Type":  {"application/json"},
		"User-Agent":    {""},
	}, `{"name":"O'Malley","tags":["a","b"]}`)
	// fill in what is [redacted:…] in header Authorization, the URL
	// this POST is not rolled back: it writes
	ask("new: ducks", "POST", "http://127.0.0.1:4000", "/v2/ducks?token=[redacted:ab12cd34]", http.Header{
		"Host":          {"shop.example"},
		"Accept":        {"*/*"},
		"Authorization": {"Bearer [redacted:12345678]"},
		"Content-Type":  {"application/json"},
		"User-Agent":    {""},
	}, `{"name":"O'Malley","tags":["a","b"]}`)
}

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
		Transport:     &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	fmt.Printf("%s: %s\n", side, res.Status)
	if err := res.Header.Write(os.Stdout); err != nil {
		log.Fatal(err)
	}
	fmt.Println()
	if _, err := io.Copy(os.Stdout, res.Body); err != nil {
		log.Fatal(err)
	}
	fmt.Println()
}
