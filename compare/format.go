package compare

import (
	"mime"
	"strings"
)

// media is a Content-Type.
type media struct {
	name   string // in lower case without parameters, "" when there is none
	params map[string]string
}

func mediaOf(lines []string) media {
	if len(lines) == 0 {
		return media{}
	}
	name, params, err := mime.ParseMediaType(lines[0])
	if err != nil {
		name, _, _ = strings.Cut(strings.ToLower(lines[0]), ";")
		name = strings.TrimSpace(name)
	}
	return media{name, params}
}

// format is a way to compare bodies.
type format struct {
	textual bool // it is characters, in some charset
	// compare gives a misfit when one side is not in the format; nil: by bytes.
	compare func(*pair, *content) (*bodies, error)
	// declared is the charset that a text names itself, "" when it does not;
	// nil when texts in the format do not.
	declared func(text []byte) string
}

// formatNamed is one of those that there are; bytes for others.
func formatNamed(name string) format {
	switch name {
	case "json":
		return format{true, (*pair).compareJSON, nil}
	case "records":
		return format{true, (*pair).compareRecords, nil}
	case "events":
		return format{true, (*pair).compareEvents, nil}
	case "xml":
		return format{true, (*pair).compareXML, xmlDeclared}
	case "html":
		return format{true, (*pair).compareHTML, htmlDeclared}
	case "form":
		return format{true, (*pair).compareForm, nil}
	case "parts":
		return format{false, (*pair).compareMultipart, nil}
	case "protobuf":
		return format{false, (*pair).compareProtobuf, nil}
	case "grpc":
		return format{false, (*pair).compareGRPC, nil}
	case "text":
		return format{true, (*pair).compareLines, nil}
	}
	return format{}
}

// exactly is the format of media types that no suffix or tree tells.
var exactly = map[string]string{
	"application/json": "json",
	"text/json":        "json",

	"application/ndjson":      "records",
	"application/x-ndjson":    "records",
	"application/jsonl":       "records",
	"application/x-jsonl":     "records",
	"application/jsonlines":   "records",
	"application/x-jsonlines": "records",
	"application/json-seq":    "records",
	"application/stream+json": "records", // Spring's name of NDJSON
	"text/event-stream":       "events",

	"application/xml":                   "xml",
	"text/xml":                          "xml",
	"text/html":                         "html",
	"application/xhtml+xml":             "html",
	"application/x-www-form-urlencoded": "form",

	"application/protobuf":            "protobuf",
	"application/x-protobuf":          "protobuf",
	"application/vnd.google.protobuf": "protobuf",
	"application/x-google-protobuf":   "protobuf",
	"application/proto":               "protobuf", // of the Connect protocol
	"application/grpc":                "grpc",
	"application/grpc+proto":          "grpc",

	"application/javascript":   "text",
	"application/x-javascript": "text",
	"application/ecmascript":   "text",
	"application/yaml":         "text",
	"application/x-yaml":       "text",
	"application/toml":         "text",
	"application/sql":          "text",
	"application/graphql":      "text",
}

// bySuffix is the format of media types with a structured syntax (RFC 6838 section 4.2.8).
var bySuffix = map[string]string{
	"json": "json", "json-seq": "records", "jsonl": "records", "ndjson": "records", "yaml": "text", "xml": "xml", "protobuf": "protobuf",
}

// formatOf is the name of the format of a media type, "" for bytes.
func formatOf(mediaType string) string {
	if f, ok := exactly[mediaType]; ok {
		return f
	}
	kind, sub, _ := strings.Cut(mediaType, "/")
	if base, suffix, ok := strings.Cut(sub, "+"); ok {
		if exactly["application/"+base] == "records" { // application/jsonlines+…
			return "records"
		}
		if f := bySuffix[suffix[strings.LastIndexByte(suffix, '+')+1:]]; f != "" {
			return f
		}
	}
	switch kind {
	case "text":
		return "text"
	case "multipart":
		return "parts"
	}
	return ""
}

// format is how the content is compared: as both sides say, or, where one or
// both say nothing, as JSON if that is what they are (sniffed).
func (c *content) format() (f format, sniffed bool) {
	l, n := c.media[0].name, c.media[1].name
	switch name := formatOf(l); {
	case name != "" && name == formatOf(n):
		return formatNamed(name), false
	case (l == "" || formatOf(l) == "json") && (n == "" || formatOf(n) == "json"):
		return formatNamed("json"), true
	}
	return format{}, false
}
