package redact

import "strings"

// tableTypes are media types of tables in text, the first line of which may name
// the columns (RFC 4180).
var tableTypes = set("text/csv", "application/csv", "text/tab-separated-values", "application/vnd.ms-excel")

// table is a table in text. Columns whose names in the first line are of secrets
// are secret in all other lines; the rest is text.
func (r *Redactor) table(s string) string {
	first := s[:until(s, 0, "\r\n")]
	separator := separatorOf(first)
	secret := map[int]bool{}
	for column, at := 0, 0; at <= len(first); column++ {
		cell, next := cellAt(first, at, separator)
		secret[column] = r.secretName(unquotedCell(first[cell.start:cell.end]))
		at = next
	}
	var b strings.Builder
	b.WriteString(first)
	for at := len(first); at < len(s); {
		if s[at] == '\r' || s[at] == '\n' {
			b.WriteByte(s[at])
			at++
			continue
		}
		for column := 0; ; column++ { // of a line
			cell, _ := cellAt(s, at, separator)
			value := s[cell.start:cell.end]
			if secret[column] {
				value = r.secret(unquotedCell(value))
			}
			b.WriteString(value)
			if at = cell.end; at == len(s) || s[at] != separator {
				break
			}
			b.WriteByte(separator)
			at++
		}
	}
	return r.Text(b.String())
}

// separatorOf is what parts the cells of a line: what there is most of.
func separatorOf(line string) byte {
	best, most := byte(','), 0
	for _, c := range []byte(",;\t|") {
		if n := strings.Count(line, string(c)); n > most {
			best, most = c, n
		}
	}
	return best
}

// cellAt is the cell that begins at i, in its quotes when it has some, and where
// the next one of its line would begin.
func cellAt(s string, i int, separator byte) (cell span, next int) {
	end := i
	if end < len(s) && s[end] == '"' {
		for end++; end < len(s); end++ {
			if s[end] == '"' {
				if end+1 < len(s) && s[end+1] == '"' {
					end++
					continue
				}
				break
			}
		}
	}
	end = min(end, len(s))
	for end < len(s) && s[end] != separator && s[end] != '\r' && s[end] != '\n' {
		end++
	}
	return span{i, end}, end + 1
}

func unquotedCell(cell string) string {
	cell = strings.TrimSpace(strings.TrimPrefix(cell, "\ufeff"))
	if len(cell) >= 2 && cell[0] == '"' && cell[len(cell)-1] == '"' {
		return strings.ReplaceAll(cell[1:len(cell)-1], `""`, `"`)
	}
	return cell
}
