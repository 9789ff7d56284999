package render

import (
	"bufio"
	"fmt"

	"github.com/quackproxy/quack/internal/wording"
)

// attentionTitle heads the rules that need attention, in all formats.
const attentionTitle = "Rules that need attention"

func (t *table) attention() {
	if len(t.r.Stale) == 0 {
		return
	}
	t.line("")
	t.line("%s%s%s", t.bold, attentionTitle, t.off)
	for _, s := range t.r.Stale {
		t.line("%s%s%s  %s", t.yellow, s.Says(), t.off, wording.Visible(s.Rule))
		t.line("  %s%s%s", t.dim, wording.Visible(s.About()), t.off)
	}
}

func writeAttention(b *bufio.Writer, r Report) {
	fmt.Fprint(b, "\n| rule | state | routes | until | owner | at | why |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for i, s := range r.Stale {
		if i == markdownFolded {
			fmt.Fprintf(b, "\nand %s more\n", wording.Count(int64(len(r.Stale)-i), "rule"))
			return
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s |\n", code(s.Rule), s.Says(), plain(s.On()), plain(s.Until), plain(s.Owner), plain(s.At), plain(s.Why))
	}
}
