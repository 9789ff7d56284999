package reports

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// WriteMarkdown writes the report as GitHub flavoured Markdown.
func WriteMarkdown(w io.Writer, r Report) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "# Quack report\n\n%s\n\n_%s_\n", r.headline(), r.span())
	if len(r.Routes) > 0 {
		fmt.Fprint(b, "\n| route | stage | served | compared | matched | mismatched | at most¹ | transient | noise | forgiven | errors | skipped | dropped | p50 legacy → new | p99 legacy → new |\n",
			"| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: |\n")
		for _, r := range r.Routes {
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n",
				code(r.Name), plain(r.stage()), number(r.Served), number(r.Compared), number(r.Matched), number(r.Mismatched), r.bound(),
				number(r.Transient), number(r.Noise), number(r.Forgiven), number(r.Errors), plain(r.skipped()), number(r.Dropped),
				sides(r, r.Legacy.P50, r.New.P50), sides(r, r.Legacy.P99, r.New.P99))
		}
		fmt.Fprint(b, "\n¹ So many of all requests mismatch at most, at 95 % confidence (exact binomial bound).\n")
		for _, r := range r.Routes {
			if r.Leak != "" {
				fmt.Fprintf(b, "\n**Leak suspected on %s:** %s\n", code(r.Name), plain(r.Leak))
			}
		}
	}
	for _, section := range sections {
		writeGroups(b, r, section.verdict, section.title)
	}
	writeAttention(b, r)
	writeRuns(b, r.Runs)
	return b.Flush()
}

func writeGroups(b *bufio.Writer, r Report, verdict, title string) {
	begun := false
	for _, g := range r.Groups {
		if g.Verdict != verdict {
			continue
		}
		if !begun {
			fmt.Fprintf(b, "\n## %s\n\n| count | share | route | path | kind | legacy | new | comparison |%s\n| ---: | ---: | --- | --- | --- | --- | --- | --- |%s\n",
				title, reasonColumn(verdict, " reason |"), reasonColumn(verdict, " --- |"))
			begun = true
		}
		s, some := g.newest()
		legacy, new := "", ""
		if some {
			legacy, new = code(orAbsent(cut(visible(s.Legacy), 200))), code(orAbsent(cut(visible(s.New), 200)))
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s |%s\n", number(g.Count), r.share(g), code(g.Route), code(g.Path), plain(g.Kind),
			legacy, new, code(s.ID), reasonColumn(verdict, " "+plain(g.ReasonText())+" |"))
	}
}

func reasonColumn(verdict, cell string) string {
	if verdict != VerdictForgiven {
		return ""
	}
	return cell
}

func sides(r RouteReport, legacy, new float64) string {
	if r.Compared == 0 {
		return ""
	}
	return millisText(legacy) + " → " + millisText(new) + " ms"
}

// code is a code span within a table cell. Its fence is longer than any run of
// backticks within; a "|" would end the cell even there.
func code(s string) string {
	if s == "" {
		return ""
	}
	s = visible(s)
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	s = strings.ReplaceAll(s, "|", `\|`)
	if fence != "`" {
		s = " " + s + " "
	}
	return fence + s + fence
}

var markdownEscapes = strings.NewReplacer(`\`, `\\`, "`", "\\`", "|", `\|`, "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "~", `\~`, "#", `\#`, "!", `\!`)

// plain is text without a meaning in Markdown or HTML.
func plain(s string) string { return markdownEscapes.Replace(visible(s)) }
