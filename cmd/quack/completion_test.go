package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestComplete holds what is offered for words that were typed.
func TestComplete(t *testing.T) {
	q, groups := shows(t, "7")
	at := strings.TrimPrefix(q.client.Base, "http://")
	newest := groups[0].Samples[len(groups[0].Samples)-1].ID
	if _, err := q.client.Mark(t.Context(), "v1.4", "deploy of Friday"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		reason string
		words  []string
		offers []string // nil for nothing
		none   []string
	}{
		{"a verb", []string{"rep"}, []string{"report"}, nil},
		{"all verbs, but for the hidden ones", []string{""}, []string{"serve", "report", "diff", "watch", "export", "completion"}, []string{"complete", "help"}},
		{"a verb of a verb", []string{"readonly", ""}, []string{"on", "off", "status"}, []string{"serve"}},
		{"a flag", []string{"report", "--for"}, []string{"--format"}, []string{"--route"}},
		{"what a flag may be", []string{"report", "--format", "j"}, []string{"json", "junit"}, []string{"csv"}},
		{"the same behind =", []string{"report", "--format=j"}, []string{"--format=json", "--format=junit"}, nil},
		{"a flag that takes no value", []string{"report", "--json", "--for"}, []string{"--format"}, nil},
		{"a file", []string{"check", ""}, []string{":files"}, nil},
		{"a file behind a short flag", []string{"report", "-o", ""}, []string{":files"}, nil},
		{"an argument", []string{"completion", ""}, []string{"bash", "zsh", "fish"}, nil},
		{"a route", []string{"stage", "--admin", at, ""}, []string{"show", "idle"}, nil},
		{"a route of a flag", []string{"report", "--admin=" + at, "--route", "s"}, []string{"show"}, []string{"idle"}},
		{"behind a route", []string{"stage", "--admin", at, "show", "ra"}, []string{"ramp"}, nil},
		{"a comparison", []string{"diff", "--admin", at, ""}, []string{newest}, nil},
		{"a difference", []string{"know", "--admin", at, ""}, []string{groups[0].ID}, []string{newest}},
		{"a mark", []string{"report", "--admin", at, "--since", "v"}, []string{"v1.4"}, nil},
		{"a mark to compare with", []string{"report", "--admin", at, "--against", ""}, []string{"v1.4"}, nil},
		{"nobody answers", []string{"stage", "--admin", closedAddr(), ""}, nil, nil},
		{"no such verb", []string{"nothing", ""}, []string{"serve"}, nil}, // the verb is still to come
		{"nothing is left", []string{"version", ""}, nil, nil},
	} {
		cmd := exec.Command("quack", append([]string{"complete", "--"}, c.words...)...)
		cmd.Env = append(os.Environ(), "QUACK_ADMIN_TOKEN="+testToken)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", c.reason, err, out)
		}
		var got []string
		for line := range strings.Lines(string(out)) {
			value, _, _ := strings.Cut(line, "\t")
			got = append(got, value)
		}
		for _, want := range c.offers {
			if !slices.Contains(got, want) {
				t.Errorf("%s: %q is not offered: %q", c.reason, want, got)
			}
		}
		for _, other := range c.none {
			if slices.Contains(got, other) {
				t.Errorf("%s: %q is offered", c.reason, other)
			}
		}
		if c.offers == nil && got != nil {
			t.Errorf("%s: %q is offered", c.reason, got)
		}
	}
}

// TestBashCompletes runs the script in bash, as it is when the key is pressed.
func TestBashCompletes(t *testing.T) {
	const script = `source <(quack completion bash)
complete -p quack
press() {
  COMP_LINE="$1" COMP_POINT=${#1}; shift
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
  _quack
  echo "${COMPREPLY[*]}"
}
press 'quack rep' quack rep
press 'quack readonly ' quack readonly ''
press 'quack report --format=j' quack report --format = j
press 'quack report --format=' quack report --format =
press 'quack check /et' quack check /et
`
	out, err := exec.Command("bash", "--norc", "-c", script).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := "complete -F _quack quack\nreport\non off status\njson junit\ntable json markdown html csv junit\n/etc\n"
	if string(out) != want {
		t.Errorf("bash offers\n%s\nwant\n%s", out, want)
	}
}

// TestFishCompletes asks fish what it would offer, where it is installed.
func TestFishCompletes(t *testing.T) {
	fish, err := exec.LookPath("fish")
	if err != nil {
		t.Skip("fish is not installed")
	}
	cmd := exec.Command(fish, "--no-config", "-c", "quack completion fish | source; complete -C 'quack rep'; complete -C 'quack readonly o'; complete -C 'quack check /et'")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"report\tPrint the verdict", "on\tHold writes back\n", "off\tLet writes through again\n", "/etc/"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("fish does not offer %q:\n%s", want, out)
		}
	}
}
