package problem

import (
	"bytes"
	"fmt"
	"html/template"
	"maps"
	"slices"
)

// pageTemplate has no script and fetches nothing: it must show when all else
// is down.
var pageTemplate = template.Must(template.New("problem").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{{.Title}}</title>
<style>
body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 38rem; margin: 15vh auto 0; padding: 0 1.5rem; color: #222; background: #fff }
h1 { font-size: 1.6rem; margin: 0 0 .5rem }
p { margin: 0 0 1rem; white-space: pre-line }
small { color: #666 }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #181818 } small { color: #999 } }
</style>
</head>
<body>
<h1>{{.Title}}</h1>
{{with .Detail}}<p>{{.}}</p>
{{end}}<p><small>{{.Status}}{{range .Extra}} · {{.}}{{end}}</small></p>
</body>
</html>
`))

// page is the form for browsers.
func page(d Details) []byte {
	extra := make([]string, 0, len(d.Extra))
	for _, name := range slices.Sorted(maps.Keys(d.Extra)) {
		extra = append(extra, fmt.Sprintf("%s: %v", name, d.Extra[name]))
	}
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, struct {
		Title, Detail string
		Status        int
		Extra         []string
	}{d.Title, d.Detail, d.Status, extra})
	if err != nil {
		return []byte(template.HTMLEscapeString(d.Title))
	}
	return b.Bytes()
}
