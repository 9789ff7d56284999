package render

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/quackproxy/quack/internal/wording"
	"github.com/quackproxy/quack/reports"
)

// How much of a report stands in Markdown: what is shown at once, and what is
// folded.
const (
	markdownRoutes = 15
	markdownGroups = 10
	markdownFolded = 30
	markdownValue  = 60 // characters of a value

	// markdownMost is how many characters it has at most; a comment on GitHub has
	// room for 65,536.
	markdownMost = 60_000
)

// Markdown writes the report as GitHub flavoured Markdown for a pull
// request: the worst first, everything else folded away. It is short enough for
// a comment, and says what it leaves out.
func Markdown(w io.Writer, r Report) error {
	m := markdown{w: w}
	m.part("", func(b *bufio.Writer) {
		fmt.Fprintf(b, "# Quack report\n\n**%s**\n\n_%s_\n", strings.TrimSpace(r.headline()+" "+r.readyText()), plain(r.span()))
		writeLeaks(b, r)
	})
	m.part("", func(b *bufio.Writer) { writeStanding(b, r) })
	m.part("", func(b *bufio.Writer) { writeRuns(b, r.Runs) })
	for _, section := range sections {
		m.groups(r, section.verdict, section.title)
	}
	if len(r.Routes) > 0 {
		m.part("All counters", func(b *bufio.Writer) { writeCounters(b, r) })
	}
	if len(r.Stale) > 0 {
		m.part(fmt.Sprintf("%s (%d)", attentionTitle, len(r.Stale)), func(b *bufio.Writer) { writeAttention(b, r) })
	}
	return m.err
}

// markdown is a report as it is written, part by part.
type markdown struct {
	w    io.Writer
	used int // characters
	err  error
}

// part writes a part, folded behind its title when it has one. For one that there
// is no room for it says that it is left out.
func (m *markdown) part(title string, write func(*bufio.Writer)) {
	var text strings.Builder
	b := bufio.NewWriter(&text)
	if title != "" {
		fmt.Fprintf(b, "\n<details><summary>%s</summary>\n", html.EscapeString(title))
	}
	write(b)
	if title != "" {
		fmt.Fprint(b, "\n</details>\n")
	}
	b.Flush() // a strings.Builder takes everything
	shown := text.String()
	if n := utf8.RuneCountInString(shown); m.used+n > markdownMost {
		if title == "" {
			title = "The rest"
		}
		shown = fmt.Sprintf("\n%s: left out, there is no room in a comment. The other formats have it.\n", plain(title))
	}
	m.used += utf8.RuneCountInString(shown)
	if m.err == nil {
		_, m.err = io.WriteString(m.w, shown)
	}
}

func writeLeaks(b *bufio.Writer, r Report) {
	shown := 0
	for _, route := range r.Routes {
		if route.Leak != "" && shown < markdownRoutes {
			fmt.Fprintf(b, "\n**Leak suspected on %s:** %s\n", code(route.Name), plain(route.Leak))
			shown++
		}
	}
}

// writeStanding are the routes of which there is something to be said, the worst
// first.
func writeStanding(b *bufio.Writer, r Report) {
	shown := 0
	list := worst(r.Routes)
	for i, route := range list {
		stands, says := standsOf(route)
		if stands == standsMute {
			break
		}
		if shown == markdownRoutes {
			fmt.Fprintf(b, "\nand %s more that were compared\n", wording.Count(comparedIn(list[i:]), "route"))
			return
		}
		if shown == 0 {
			fmt.Fprint(b, "\n| route | stage | | compared | mismatched | at most¹ | p50 legacy → new | p99 legacy → new |\n| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |\n")
		}
		fmt.Fprintf(b, "| %s | %s | %s %s | %s | %s | %s | %s | %s |\n", code(route.Name), plain(stageText(route)), signs[stands], plain(wording.Cut(wording.Visible(says), 300)),
			wording.Number(route.Compared), wording.Number(route.Mismatched), boundText(route), sides(route, route.Legacy.P50, route.New.P50), sides(route, route.Legacy.P99, route.New.P99))
		shown++
	}
	if shown > 0 {
		fmt.Fprint(b, "\n¹ So many of all requests mismatch at most, at 95 % confidence (exact binomial bound).\n")
	}
}

var signs = map[standing]string{standsWell: "✅", standsBad: "❌", standsOpen: "⏳"}

func comparedIn(routes []reports.RouteReport) int64 {
	var n int64
	for _, r := range routes {
		if r.Compared > 0 {
			n++
		}
	}
	return n
}

// writeCounters are all counters of the busiest routes.
func writeCounters(b *bufio.Writer, r Report) {
	fmt.Fprint(b, "\n| route | served | compared | matched | mismatched | transient | noise | forgiven | errors | skipped | dropped | more |\n",
		"| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | ---: | --- |\n")
	for i, route := range worst(r.Routes) {
		if i == markdownFolded {
			fmt.Fprintf(b, "\nand %s more\n", wording.Count(int64(len(r.Routes)-i), "route"))
			return
		}
		more := apartOf(route)
		if text := ratioText(route); text != "" {
			more = append(more, "new takes "+text)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n",
			code(route.Name), wording.Number(route.Served), wording.Number(route.Compared), wording.Number(route.Matched), wording.Number(route.Mismatched),
			wording.Number(route.Transient), wording.Number(route.Noise), wording.Number(route.Forgiven), wording.Number(route.Errors), plain(skippedText(route)), wording.Number(route.Dropped), plain(strings.Join(more, "; ")))
	}
}

// groups are the groups of a verdict: the first mismatches at once, all else
// folded.
func (m *markdown) groups(r Report, verdict, title string) {
	var list []reports.Group
	for _, g := range r.Groups {
		if g.Verdict == verdict {
			list = append(list, g)
		}
	}
	if len(list) == 0 {
		return
	}
	if verdict != string(reports.Mismatch) {
		m.part(fmt.Sprintf("%s (%d)", title, len(list)), func(b *bufio.Writer) { writeGroupTable(b, r, list, markdownFolded) })
		return
	}
	first := list[:min(len(list), markdownGroups)]
	m.part("", func(b *bufio.Writer) {
		fmt.Fprintf(b, "\n## %s\n", title)
		writeGroupTable(b, r, first, markdownGroups)
	})
	if rest := list[len(first):]; len(rest) > 0 {
		m.part("and "+wording.Count(int64(len(rest)), "place")+" more", func(b *bufio.Writer) { writeGroupTable(b, r, rest, markdownFolded) })
	}
}

func writeGroupTable(b *bufio.Writer, r Report, list []reports.Group, most int) {
	reason := list[0].Verdict == reports.VerdictForgiven
	about := "more"
	if reason {
		about = "reason"
	}
	fmt.Fprintf(b, "\n| count | share | route | path | kind | legacy | new | %s | comparison |\n| ---: | ---: | --- | --- | --- | --- | --- | --- | --- |\n", about)
	for i, g := range list {
		if i == most {
			fmt.Fprintf(b, "\nand %s more\n", wording.Count(int64(len(list)-i), "place"))
			return
		}
		s, some := newestOf(g)
		legacy, new := "", ""
		if some {
			legacy, new = code(orAbsent(wording.Cut(wording.Visible(s.Legacy), markdownValue))), code(orAbsent(wording.Cut(wording.Visible(s.New), markdownValue)))
		}
		says := strings.Join(factsOf(g), "; ")
		if reason {
			says = g.ReasonText()
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", wording.Number(g.Count), r.share(g), code(g.Route), code(g.Path), plain(g.Kind),
			legacy, new, plain(says), code(s.ID))
	}
}
func sides(r reports.RouteReport, legacy, new float64) string {
	if r.Compared == 0 {
		return ""
	}
	return wording.Millis(legacy) + " → " + wording.Millis(new) + " ms"
}

// code is a code span within a table cell. Its fence is longer than any run of
// backticks within; a "|" would end the cell even there.
func code(s string) string {
	if s == "" {
		return ""
	}
	s = wording.Visible(s)
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

var markdownEscapes = strings.NewReplacer(`\`, `\\`, "`", "\\`", "|", `\|`, "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "~", `\~`, "#", `\#&#8203;`, "!", `\!`,
	"@", "@&#8203;", "://", ":&#8203;//", "www.", "www&#8203;.")

// plain is text without a meaning in Markdown or HTML. Nor does it call for
// somebody, as @name does where it is posted, or become a link by itself:
// clients choose the names of parameters, which reports name. No escape of
// Markdown keeps that from happening; a space of no width does.
func plain(s string) string { return markdownEscapes.Replace(wording.Visible(s)) }
