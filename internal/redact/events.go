package redact

import "strings"

// events is a stream of server-sent events. The data of one event, which may be
// on several lines, is looked at as a whole.
func (r *Redactor) events(s string) string {
	var b, data, raw strings.Builder
	var heads []string // what stands before the data of each line
	end := func() {
		if len(heads) == 0 {
			return
		}
		said := strings.TrimSuffix(data.String(), "\n")
		if clean := r.textOrJSON(said); clean == said {
			b.WriteString(raw.String())
		} else {
			for i, line := range strings.SplitAfter(clean, "\n") {
				b.WriteString(heads[min(i, len(heads)-1)] + line)
			}
			b.WriteString("\n")
		}
		heads = heads[:0]
		data.Reset()
		raw.Reset()
	}
	for line := range strings.Lines(s) {
		text, some := strings.CutPrefix(line, "data:")
		if !some {
			end()
			b.WriteString(r.Text(line))
			continue
		}
		raw.WriteString(line)
		head := "data:"
		if strings.HasPrefix(text, " ") {
			head, text = "data: ", text[1:]
		}
		heads = append(heads, head)
		data.WriteString(strings.TrimRight(text, "\r\n") + "\n")
	}
	end()
	return b.String()
}
