package export

import (
	"bufio"
	"encoding/base64"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/quackproxy/quack/internal/wording"
	"github.com/quackproxy/quack/reports"
)

// The form of an HTTP archive 1.2 (http://www.softwareishard.com/blog/har-12-spec/).
type (
	har struct {
		Log harLog `json:"log"`
	}
	harLog struct {
		Version string     `json:"version"`
		Creator harCreator `json:"creator"`
		Entries []harEntry `json:"entries"`
		Comment string     `json:"comment,omitempty"`
	}
	harCreator struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	harEntry struct {
		Started  string      `json:"startedDateTime"`
		Time     float64     `json:"time"` // milliseconds
		Request  harRequest  `json:"request"`
		Response harResponse `json:"response"`
		Cache    struct{}    `json:"cache"`
		Timings  harTimings  `json:"timings"`
		Comment  string      `json:"comment,omitempty"`
	}
	harRequest struct {
		Method      string    `json:"method"`
		URL         string    `json:"url"`
		HTTPVersion string    `json:"httpVersion"`
		Cookies     []harPair `json:"cookies"`
		Headers     []harPair `json:"headers"`
		Query       []harPair `json:"queryString"`
		Post        *harPost  `json:"postData,omitempty"`
		HeadersSize int64     `json:"headersSize"`
		BodySize    int64     `json:"bodySize"`
	}
	harResponse struct {
		Status      int        `json:"status"`
		StatusText  string     `json:"statusText"`
		HTTPVersion string     `json:"httpVersion"`
		Cookies     []harPair  `json:"cookies"`
		Headers     []harPair  `json:"headers"`
		Content     harContent `json:"content"`
		Redirect    string     `json:"redirectURL"`
		HeadersSize int64      `json:"headersSize"`
		BodySize    int64      `json:"bodySize"`
		Comment     string     `json:"comment,omitempty"`
	}
	harPair struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	harPost struct {
		MimeType string `json:"mimeType"`
		Text     string `json:"text"`
		Encoding string `json:"_encoding,omitempty"` // of our own: the format has no place for bytes
		Comment  string `json:"comment,omitempty"`
	}
	harContent struct {
		Size     int64  `json:"size"`
		MimeType string `json:"mimeType"`
		Text     string `json:"text,omitempty"`
		Encoding string `json:"encoding,omitempty"`
		Comment  string `json:"comment,omitempty"`
	}
	harTimings struct {
		Send    float64 `json:"send"`
		Wait    float64 `json:"wait"`
		Receive float64 `json:"receive"`
		Comment string  `json:"comment,omitempty"`
	}
)

// writeHAR writes an entry for each side, with its answer as it is kept.
func writeHAR(b *bufio.Writer, c *reports.Comparison, asks []ask) error {
	log := harLog{Version: "1.2", Creator: harCreator{"quack", buildVersion()}, Comment: "comparison " + c.ID + ", " + string(c.Verdict)}
	for _, a := range asks {
		millis := float64(a.side.Latency) / float64(time.Millisecond)
		log.Entries = append(log.Entries, harEntry{
			Started: c.At.UTC().Format("2006-01-02T15:04:05.000Z07:00"), Time: millis,
			Request: a.harRequest(), Response: a.harResponse(),
			Timings: harTimings{Wait: millis, Comment: "wait is from the request being sent to the end of the answer"},
			Comment: strings.Join(append([]string{a.title()}, a.notes...), "; "),
		})
	}
	return wording.JSON(b, har{log})
}

func (a ask) harRequest() harRequest {
	r := harRequest{
		Method: a.method, URL: wording.URL(a.side.URL), HTTPVersion: "HTTP/1.1", HeadersSize: -1, BodySize: int64(len(a.body)),
		Cookies: []harPair{}, Headers: []harPair{}, Query: harQuery(a.side.URL),
	}
	mime := ""
	for _, f := range a.fields {
		r.Headers = append(r.Headers, harPair{f.name, f.value})
		switch f.name {
		case "Cookie":
			cookies, _ := http.ParseCookie(f.value) // what is none is in the field
			for _, cookie := range cookies {
				r.Cookies = append(r.Cookies, harPair{cookie.Name, cookie.Value})
			}
		case "Content-Type":
			mime = f.value
		}
	}
	if len(a.body) > 0 {
		r.Post = &harPost{MimeType: mime}
		if r.Post.Text, r.Post.Encoding = harText(a.body); r.Post.Encoding != "" {
			r.Post.Comment = "text is base64: the body is not text"
		}
	}
	return r
}

// harQuery are the parameters in their order.
func harQuery(u string) []harPair {
	pairs := []harPair{}
	_, query, _ := strings.Cut(u, "?")
	for part := range strings.SplitSeq(query, "&") {
		if name, value, _ := strings.Cut(part, "="); part != "" {
			pairs = append(pairs, harPair{decoded(name), decoded(value)})
		}
	}
	return pairs
}

func (a ask) harResponse() harResponse {
	is := a.side.Answer
	r := harResponse{
		Status: is.Status, StatusText: http.StatusText(is.Status), HTTPVersion: "HTTP/1.1", HeadersSize: -1, BodySize: -1,
		Cookies: []harPair{}, Headers: []harPair{}, Redirect: is.Header.Get("Location"),
		Content: harContent{Size: is.Size, MimeType: is.Header.Get("Content-Type"), Comment: a.side.BodyNote},
	}
	if is.Incomplete != "" {
		r.Comment = "broke off: " + is.Incomplete
	}
	for _, name := range slices.Sorted(maps.Keys(is.Header)) {
		for _, value := range is.Header[name] {
			r.Headers = append(r.Headers, harPair{name, value})
		}
	}
	for _, line := range is.Header["Set-Cookie"] {
		if cookie, err := http.ParseSetCookie(line); err == nil {
			r.Cookies = append(r.Cookies, harPair{cookie.Name, cookie.Value})
		}
	}
	r.Content.Text, r.Content.Encoding = harText(is.Body)
	return r
}

// harText is a body as it is, or in base64 where it is no text.
func harText(body []byte) (text, encoding string) {
	if utf8.Valid(body) {
		return string(body), ""
	}
	return base64.StdEncoding.EncodeToString(body), "base64"
}

// buildVersion is the version of this program.
func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
