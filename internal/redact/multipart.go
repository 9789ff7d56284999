package redact

import (
	"fmt"
	"mime"
	"net/textproto"
	"strings"
)

// multipart is a multipart body (RFC 2046 section 5.1), such as a form (RFC 7578).
// Fields are redacted by name, files are left out. A body that does not parse is
// not kept.
func (r *Redactor) multipart(form bool, boundary, body string) (kept, why string) {
	if boundary == "" {
		return "", "a multipart body without a boundary"
	}
	delimiter := "--" + boundary
	if !strings.HasPrefix(body, delimiter) {
		return "", "a multipart body that does not begin with its boundary"
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
			return "", "a multipart body that breaks off"
		}
		b.WriteString(r.Text(head) + "\r\n\r\n" + r.partContent(form, head, content))
	}
	return "", "a multipart body without an end"
}

// partContent is the content of a part. A part of a form without a name, and a
// file, are not kept; nor is what is encoded once more.
func (r *Redactor) partContent(form bool, head, content string) string {
	fields := partFields(head)
	_, params, err := mime.ParseMediaType(fields["Content-Disposition"])
	if fields["Content-Disposition"] == "" && !form {
		err = nil
	}
	_, file := params["filename"]
	coding := strings.ToLower(fields["Content-Transfer-Encoding"])
	switch {
	case err != nil || file || strings.HasPrefix(strings.ToLower(fields["Content-Disposition"]), "attachment"):
		return fmt.Sprintf("[%d bytes of a file, not kept]", len(content))
	case coding != "" && coding != "7bit" && coding != "8bit" && coding != "binary":
		return fmt.Sprintf("[%d bytes in %s, not kept]", len(content), r.Text(coding))
	case r.secretName(params["name"]):
		return r.secret(content)
	}
	kept, why := r.plainBody(fields["Content-Type"], content)
	if why != "" {
		return "[" + why + ", not kept]"
	}
	return kept
}

// partFields are the header fields of a part (RFC 2046 section 5.1), those over
// several lines put together (RFC 5322 section 2.2.3).
func partFields(head string) map[string]string {
	fields := map[string]string{}
	last := ""
	for line := range strings.SplitSeq(head, "\r\n") {
		if line != "" && (line[0] == ' ' || line[0] == '\t') {
			fields[last] += line
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		last = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name))
		fields[last] = strings.TrimSpace(value)
	}
	return fields
}
