package main

import (
	"context"
	_ "embed"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// The scripts hand what was typed to quack complete and its answer to the shell.
var (
	//go:embed completion.bash
	completionBash string
	//go:embed completion.zsh
	completionZsh string
	//go:embed completion.fish
	completionFish string
)

// Help says where the script goes.
func (completionCmd) Help() string {
	return `bash: source <(quack completion bash)

zsh: source <(quack completion zsh)

fish: quack completion fish | source

Put the line into the file that your shell reads at its start. Names of routes and marks, ids of comparisons and differences come from the running proxy, if one answers at once.`
}

func (c *completionCmd) Run(s *streams) error {
	script := map[string]string{"bash": completionBash, "zsh": completionZsh, "fish": completionFish}[c.Shell]
	_, err := fmt.Fprint(s.out, script)
	return err
}

// completeCmd answers a shell: what may stand in place of the last word.
type completeCmd struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

// filesToo stands for the names of files, which the shell knows.
const filesToo = ":files"

func (c *completeCmd) Run(ctx context.Context, k *kong.Context, s *streams) error {
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	if len(words) == 0 {
		words = []string{""}
	}
	for _, one := range (&typed{live: proxyNames{ctx: ctx}, node: k.Model.Node}).candidates(words) {
		fmt.Fprintf(s.out, "%s\t%s\n", one.value, firstSentence(one.says))
	}
	return nil
}

// candidate is what may stand in place of a word, and what it is.
type candidate struct{ value, says string }

// typed is where in the grammar the words before the last one lead.
type typed struct {
	live       proxyNames
	node       *kong.Node
	wants      *kong.Flag // the last word is its value
	positional int
}

// candidates are what may stand in place of the last word, which they begin with.
func (t *typed) candidates(words []string) []candidate {
	last := words[len(words)-1]
	for _, word := range words[:len(words)-1] {
		t.read(word)
	}
	var all []candidate
	prefix := ""
	name, value, assigned := strings.Cut(last, "=")
	switch {
	case t.wants != nil:
		all = t.values(t.wants.Value)
	case assigned && strings.HasPrefix(last, "--"):
		if flag := t.flag(name); flag != nil {
			all, last, prefix = t.values(flag.Value), value, name+"="
		}
	case strings.HasPrefix(last, "-"):
		all = t.flags()
	case len(t.node.Children) > 0:
		for _, child := range t.node.Children {
			if !child.Hidden {
				all = append(all, candidate{child.Name, child.Help})
			}
		}
	case t.positional < len(t.node.Positional):
		all = t.values(t.node.Positional[t.positional])
	}
	var fitting []candidate
	for _, one := range all {
		if strings.HasPrefix(one.value, last) || one.value == filesToo {
			fitting = append(fitting, candidate{prefix + one.value, one.says})
		}
	}
	return fitting
}

// read takes a word before the last one.
func (t *typed) read(word string) {
	if t.wants != nil {
		if t.wants.Name == "admin" {
			t.live.address = word
		}
		t.wants = nil
		return
	}
	if strings.HasPrefix(word, "-") {
		name, value, assigned := strings.Cut(word, "=")
		flag := t.flag(name)
		switch {
		case flag == nil:
		case assigned && flag.Name == "admin":
			t.live.address = value
		case !assigned && !flag.IsBool():
			t.wants = flag
		}
		return
	}
	for _, child := range t.node.Children {
		if child.Name == word {
			t.node, t.positional = child, 0
			return
		}
	}
	if t.positional < len(t.node.Positional) && !t.node.Positional[t.positional].IsCumulative() {
		t.positional++
	}
}

// flag is the flag of a name with its dashes, nil when there is none.
func (t *typed) flag(name string) *kong.Flag {
	for _, group := range t.node.AllFlags(false) {
		for _, flag := range group {
			if name == "--"+flag.Name || flag.Short != 0 && name == "-"+string(flag.Short) {
				return flag
			}
		}
	}
	return nil
}

func (t *typed) flags() []candidate {
	var all []candidate
	for _, group := range t.node.AllFlags(true) {
		for _, flag := range group {
			all = append(all, candidate{"--" + flag.Name, flag.Help})
		}
	}
	return all
}

// values are what a flag or an argument may be.
func (t *typed) values(v *kong.Value) []candidate {
	var all []candidate
	for _, value := range v.EnumSlice() {
		if value != "" {
			all = append(all, candidate{value, ""})
		}
	}
	place := ""
	if v.Flag != nil {
		place = v.Flag.PlaceHolder
	}
	switch {
	case all != nil:
	case v.Name == "route":
		all = t.live.routes()
	case strings.Contains(place, "MARK"):
		all = t.live.marks()
	case v.Name == "id" && t.node.Name == "know":
		all = t.live.differences()
	case v.Name == "id":
		all = t.live.comparisons()
	case v.Name == "file", place == "FILE", place == "DIR", v.Name == "routes":
		all = []candidate{{filesToo, ""}}
	}
	return all
}

// firstSentence is a help text in a line.
func firstSentence(help string) string {
	sentence, _, _ := strings.Cut(help, ". ")
	return strings.TrimSuffix(strings.ReplaceAll(oneLine(sentence), "\t", " "), ".")
}
