package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The steps of the README, as they stand there but for the ports, run by a
// shell from the first to the last.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	legacy := serveJSON(t, func(*http.Request) (int, string) { return 200, `{"id":7,"name":"Ann","debug":"a"}` })
	newer := serveJSON(t, func(*http.Request) (int, string) { return 200, `{"id":7,"name":"Anne","debug":"b"}` })
	script := readmeSteps(t, string(text))
	for from, to := range map[string]string{
		"http://127.0.0.1:3000": legacy, "http://127.0.0.1:4000": newer,
		"127.0.0.1:8080": closedAddr(), "127.0.0.1:7070": closedAddr(),
	} {
		script = strings.ReplaceAll(script, from, to)
		if from == "127.0.0.1:7070" {
			script = fmt.Sprintf("export QUACK_ADMIN=%s\n", to) + script
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	// What a step says to put on the load balancer is not tried; the proxy is
	// stopped at the end, and has to end well.
	cmd := exec.CommandContext(ctx, "bash", "-euc", "trap 'kill $(jobs -p) 2>/dev/null' EXIT\n"+script+"\nquack report; kill -TERM %1; wait %1; trap - EXIT; echo served and stopped\n")
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, script, out)
	}
	for _, want := range []string{
		`"name":"Ann"`,      // the live answer, step 4
		"value      $.name", // the difference, step 7
		"/login?",           // the link, step 7
		"$.debug ignore",    // the rule, step 8
		"is at new",         // the last stage, step 9
		"DEFERRABLE INITIALLY DEFERRED",
		"served and stopped",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the steps do not show %q:\n%s", want, out)
		}
	}
}

var shellBlock = regexp.MustCompile("(?ms)^( *)```sh\n(.*?)^ *```")

// readmeSteps are the shell blocks of the ten steps, save the one that builds.
func readmeSteps(t *testing.T, text string) string {
	t.Helper()
	_, steps, found := strings.Cut(text, "## Put it in front of your monolith")
	if !found {
		t.Fatal("the README has no steps any more")
	}
	var script strings.Builder
	for _, block := range shellBlock.FindAllStringSubmatch(steps, -1) {
		indent, code := block[1], block[2]
		if strings.Contains(code, "git clone") {
			continue
		}
		for line := range strings.Lines(code) {
			script.WriteString(strings.TrimPrefix(line, indent))
		}
	}
	return script.String()
}
