package routes

import (
	"strings"

	"github.com/quackproxy/quack/compare"
)

// builtin is one thing that the comparison accepts without a rule, and the
// setting that switches it.
type builtin struct {
	id      settingID
	flag    compare.Builtin // 0 for how numbers are compared
	accepts func() string
}

var builtins = []builtin{
	{settingTimestamps, compare.Timestamps, func() string {
		return "values of timestamps in one format, at most " + showDuration(compare.TimestampBound) + " apart"
	}},
	{settingGenerated, compare.Generated, func() string {
		return "ids that each side made up for its answer: UUIDs, ULIDs, request ids"
	}},
	{settingVolatile, compare.Volatile, func() string {
		return "values of " + strings.Join(compare.VolatileHeaders(), ", ")
	}},
	{settingDerived, compare.Derived, func() string {
		return "Content-Length, ETag, Last-Modified and digests, where they follow from the body"
	}},
	{settingNumbers, 0, func() string { return "JSON numbers: 1, 1.0 and 1e0 are equal" }},
}

// The words of the settings.
const (
	switchOn, switchOff            = "on", "off"
	numbersByValue, numbersWritten = "value", "written"
)

func readSwitch(l *loader, n *yamlNode, key string) (any, bool) {
	w, ok := l.word(n, key, []string{switchOn, switchOff})
	return w == switchOff, ok
}

func readNumbers(l *loader, n *yamlNode, key string) (any, bool) {
	w, ok := l.word(n, key, []string{numbersByValue, numbersWritten})
	if w == numbersWritten {
		return compare.AsWritten, ok
	}
	return compare.ByValue, ok
}

// switchSetting is the setting that switches what is built in on or off.
func switchSetting(key string, flag compare.Builtin) setting {
	return setting{key, readSwitch,
		func(r *Route, v any) {
			r.options.Off &^= flag
			if v.(bool) {
				r.options.Off |= flag
			}
		},
		func(r *Route) string {
			if r.options.Off&flag != 0 {
				return switchOff
			}
			return switchOn
		}}
}

func showNumbers(r *Route) string {
	if r.options.Numbers == compare.AsWritten {
		return numbersWritten
	}
	return numbersByValue
}

// comparison is the rules of the route with its options; nil when it has
// neither.
func (r *Route) comparison() *compare.Rules {
	var rules *compare.Rules
	if r.rules != nil {
		rules = r.rules.compiled
	}
	if r.options == (compare.Options{}) {
		return rules
	}
	return rules.With(r.options)
}

// ExplainedBuiltin is something that the comparison accepts without a rule,
// and where it was stated, as in ExplainedSetting.
type ExplainedBuiltin struct {
	Name    string `json:"name"`  // of the setting: compare.timestamps, …
	Value   string `json:"value"` // "on" or "off"; of compare.numbers "value" or "written"
	From    string `json:"from"`
	Accepts string `json:"accepts"` // while it is on
}

// builtIn says what the comparison accepts without a rule; nothing on a route
// that is not compared.
func (r *Route) builtIn() []ExplainedBuiltin {
	if r.New == nil {
		return nil
	}
	var list []ExplainedBuiltin
	for _, b := range builtins {
		list = append(list, ExplainedBuiltin{settings[b.id].key, settings[b.id].show(r), r.origin(b.id), b.accepts()})
	}
	return list
}

// isBuiltin reports whether a setting is about what is accepted without a rule.
func isBuiltin(id settingID) bool { return id >= settingTimestamps && id <= settingNumbers }

// wrapped breaks a text into lines of about so many characters, at spaces.
func wrapped(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// rows are the lines of `quack explain`.
func (b ExplainedBuiltin) rows() [][]string {
	const width = 80
	var rows [][]string
	for i, line := range wrapped(b.Accepts, width) {
		if i == 0 {
			rows = append(rows, []string{b.Name, b.Value, b.From, line})
		} else {
			rows = append(rows, []string{"", "", "", line})
		}
	}
	return rows
}
