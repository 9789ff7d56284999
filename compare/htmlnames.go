package compare

import "strings"

// setOf is the set of some names.
func setOf(names string) map[string]bool {
	set := map[string]bool{}
	for _, name := range strings.Fields(names) {
		set[name] = true
	}
	return set
}

// The elements and attributes of the HTML Living Standard (sections 4, 13.1.2
// and 15.3), as far as parsing and white space go.
var (
	void = setOf("area base br col embed hr img input link meta param source track wbr")
	// inLine are those beside which white space shows.
	inLine = setOf("a abbr acronym b bdi bdo big button cite code data del dfn em font i img input ins kbd label mark meter output progress q s samp select small span strike strong sub sup svg time tt u var")
	inHead = setOf("base basefont bgsound link meta noframes noscript script style template title")
	// endsParagraph are those before which the end of a p may be left out.
	endsParagraph = setOf("address article aside blockquote center details dialog dir div dl fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr main menu nav ol p pre search section summary table ul")
	boolean       = setOf("allowfullscreen async autofocus autoplay checked controls default defer disabled formnovalidate hidden inert ismap itemscope loop multiple muted nomodule novalidate open playsinline readonly required reversed selected")
)

// impliedEnd is which open elements a start tag closes, unless they stand
// around one of within.
type impliedEnd struct{ closes, within []string }

var impliedEnds = map[string]impliedEnd{
	"li":       {[]string{"li"}, []string{"ul", "ol", "menu"}},
	"dt":       {[]string{"dt", "dd"}, []string{"dl"}},
	"dd":       {[]string{"dt", "dd"}, []string{"dl"}},
	"option":   {[]string{"option"}, []string{"select", "datalist"}},
	"optgroup": {[]string{"option", "optgroup"}, []string{"select"}},
	"tr":       {[]string{"tr"}, []string{"table"}},
	"td":       {[]string{"td", "th"}, []string{"table", "tr"}},
	"th":       {[]string{"td", "th"}, []string{"table", "tr"}},
	"tbody":    {[]string{"thead", "tbody", "tfoot", "caption", "colgroup"}, []string{"table"}},
	"thead":    {[]string{"thead", "tbody", "tfoot", "caption", "colgroup"}, []string{"table"}},
	"tfoot":    {[]string{"thead", "tbody", "tfoot", "caption", "colgroup"}, []string{"table"}},
	"body":     {[]string{"head"}, nil},
}

// markTokens marks the attributes of an element that are new with every page:
// nonces, and tokens against forged requests.
func (t *tree) markTokens(n *node) {
	name := t.name(n)
	holds := ""
	switch {
	case name == "meta" && tokenNames[strings.ToLower(t.value(n, "name"))]:
		holds = "content"
	case name == "input" && strings.EqualFold(t.value(n, "type"), "hidden") && tokenNames[strings.ToLower(t.value(n, "name"))]:
		holds = "value"
	}
	list := t.attributes(n)
	for i := range list {
		key := t.names.list[list[i].name]
		list[i].token = (key == "nonce" || key == holds) && looksLikeToken(t.slice(list[i].value))
	}
}

// minToken is the shortest token there is: 96 bits in base 64.
const minToken = 16

// looksLikeToken reports whether a value can be a token: "undefined" and the
// like can not.
func looksLikeToken(value string) bool {
	for i := range len(value) {
		if c := value[i]; !isTokenByte[c] && c != '+' && c != '/' && c != '=' {
			return false
		}
	}
	return len(value) >= minToken
}

// tokenNames are the names under which frameworks write such tokens.
var tokenNames = setOf("authenticity_token csrf csrf-token csrf_token csrftoken csrfmiddlewaretoken _csrf _csrf_token _csrf-token _token __requestverificationtoken xsrf-token xsrf_token _xsrf")

// isData reports whether an element is a script that holds JSON.
func isData(t *tree, id int32) bool {
	n := &t.nodes[id]
	if t.name(n) != "script" {
		return false
	}
	kind := strings.ToLower(t.value(n, "type"))
	return formatOf(kind) == "json" || kind == "importmap" || kind == "speculationrules"
}

// maxData bounds the scripts of a page that are compared as JSON.
const maxData = 1000

// compareData compares the texts of two scripts that hold JSON; false when
// they can not be compared as such.
func (w *treeWalk) compareData(legacy, new string) bool {
	if len(w.data) >= maxData {
		return false
	}
	top := len(w.frames) - 1
	f := &w.frames[top]
	at := &base{path: w.path(top), at: w.exact(top)}
	j := w.pair.newWalk([]byte(legacy), []byte(new), w.rules)
	j.startIn(at, w.tracker.stack[f.rules.from:f.rules.to])
	if j.compare() != 0 {
		j.free()
		return false
	}
	w.data = append(w.data, j)
	if j.counting() > 0 {
		w.mark(w.frames[top-1].level, f.ordinal)
	}
	return true
}
