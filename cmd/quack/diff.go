package main

import (
	"context"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/quackproxy/quack/reports"
	"github.com/quackproxy/quack/reports/render"
)

type diffCmd struct {
	client
	ID    string `arg:"" help:"Id of the comparison, from a report."`
	All   bool   `help:"Show whole bodies: fold no equal lines, cut nothing."`
	Width int    `help:"Lay out for so many columns (those of the terminal; 100 when it is none)." placeholder:"N"`
	JSON  bool   `name:"json" help:"Print JSON."`
}

func (c *diffCmd) Run(ctx context.Context, s *streams) error {
	comparison, err := waiting(s, "reading the comparison", 0, func() (*reports.Comparison, error) { return c.connect().Comparison(ctx, c.ID) })
	if err != nil {
		return anotherID(err, c.ID, ofComparison)
	}
	if c.JSON {
		return printJSON(s, comparison)
	}
	on := render.Screen{Color: colour(s.out), Columns: c.Width, All: c.All}
	if on.Columns == 0 {
		on.Columns, _ = terminalSize(s.out)
	}
	return render.Comparison(s.out, comparison, on)
}

// colour reports whether w is a terminal that wants colour (https://no-color.org).
func colour(w io.Writer) bool { return isTerminal(w) && os.Getenv("NO_COLOR") == "" }

// terminalSize is the size of a terminal in characters, 0 when w is none.
func terminalSize(w io.Writer) (columns, lines int) {
	f, isFile := w.(*os.File)
	if !isFile {
		return 0, 0
	}
	columns, lines, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0, 0
	}
	return columns, lines
}
