package redact

import (
	"fmt"
	"mime"
	"net/textproto"
	"strings"
)

// multipart is a multipart/form-data body (RFC 7578). Fields are redacted by
// name, files are left out. A body that does not parse is not kept.
func (r *Redactor) multipart(boundary, body string) (kept, why string) {
	if boundary == "" {
		return "", "a multipart form without a boundary"
	}
	delimiter := "--" + boundary
	if !strings.HasPrefix(body, delimiter) {
		return "", "a multipart form that does not begin with its boundary"
	}
	parts := strings.Split(body, "\r\n"+delimiter)
	var b strings.Builder
	for i, part := range parts {
		if i == 0 {
			part = part[len(delimiter):]
			b.WriteString(delimiter)
		} else {
			b.WriteString("\r\n" + delimiter)
		}
		if strings.HasPrefix(part, "--") { // the end
			b.WriteString("--\r\n")
			return b.String(), ""
		}
		head, content, some := strings.Cut(part, "\r\n\r\n")
		if !some {
			return "", "a multipart form that breaks off"
		}
		b.WriteString(r.Text(head) + "\r\n\r\n" + r.partContent(head, content))
	}
	return "", "a multipart form without an end"
}

func (r *Redactor) partContent(head, content string) string {
	var disposition, contentType string
	for line := range strings.SplitSeq(head, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		switch textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)) {
		case "Content-Disposition":
			disposition = value
		case "Content-Type":
			contentType = strings.TrimSpace(value)
		}
	}
	_, params, err := mime.ParseMediaType(disposition)
	_, file := params["filename"]
	switch {
	case err != nil || file:
		return fmt.Sprintf("[%d bytes of a file, not kept]", len(content))
	case SecretName(params["name"]):
		return r.secret(content)
	}
	kept, why := r.plainBody(contentType, content)
	if why != "" {
		return "[" + why + ", not kept]"
	}
	return kept
}
