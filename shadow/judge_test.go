package shadow

import (
	"errors"
	"testing"

	"github.com/quackproxy/quack/reports"
)

func TestJudgeUnsafe(t *testing.T) {
	none := errors.New("no Quack-Shadow-Result")
	rolledBack := func(reason string) Ack { return Ack{Outcome: "rolled-back", Reason: reason} }
	for _, c := range []struct {
		reason string
		head   head
		skip   string
		leak   bool
		fault  bool
	}{
		{"rolled back, whatever the status", head{200, rolledBack(""), nil, false}, "", false, false},
		{"the application's own 502 is acknowledged", head{502, rolledBack(""), nil, false}, "", false, false},
		{"an error answer is compared too", head{500, rolledBack(""), nil, false}, "", false, false},
		{"it ran out of its budget", head{503, rolledBack("budget"), nil, false}, reports.SkipBudget, false, false},
		{"it can not be sandboxed", head{501, rolledBack("unsupported:streamed"), nil, false}, reports.SkipUnsupported, false, false},
		{"it tried to commit", head{500, rolledBack("escape:commit"), nil, false}, reports.SkipLatched, true, false},
		{"a reason of a later version", head{200, rolledBack("dizzy"), nil, false}, reports.SkipUnsupported, false, false},
		{"a read-only refusal makes no sense here", head{500, rolledBack("write:25006"), nil, false}, reports.SkipUnsupported, false, false},
		{"the answer to a hello is no acknowledgement of a rollback", head{200, Ack{Outcome: "ready"}, nil, false}, reports.SkipLatched, true, false},
		{"no acknowledgement", head{200, Ack{}, none, false}, reports.SkipLatched, true, false},
		{"a refusal that is not signed may come from anyone", head{403, Ack{}, none, false}, reports.SkipLatched, true, false},
		{"a redirect of something that knows nothing of us", head{301, Ack{}, none, false}, reports.SkipLatched, true, false},
		{"an application's crash page", head{500, Ack{}, none, false}, reports.SkipLatched, true, false},
		{"a gateway without a backend", head{502, Ack{}, none, false}, reports.SkipUnconfirmed, false, true},
		{"an error of a backend that is asked by Prefer", head{409, Ack{}, none, true}, reports.SkipUnconfirmed, false, false},
		{"a success of one that does not say it was undone", head{201, Ack{}, none, true}, reports.SkipLatched, true, false},
		{"a balancer without a backend", head{503, Ack{}, none, false}, reports.SkipUnconfirmed, false, true},
		{"a gateway's patience at its end", head{504, Ack{}, none, false}, reports.SkipUnconfirmed, false, true},
	} {
		j := judgeUnsafe(c.head)
		if j.skip != c.skip || (j.leak != "") != c.leak || j.fault != c.fault || j.wrote != "" {
			t.Errorf("%s: %+v is judged %+v", c.reason, c.head, j)
		}
	}
}

func TestJudgeSafe(t *testing.T) {
	none := errors.New("no Quack-Shadow-Result")
	rolledBack := func(reason string) Ack { return Ack{Outcome: "rolled-back", Reason: reason} }
	for _, c := range []struct {
		reason string
		head   head
		skip   string
		leak   bool
		wrote  string
	}{
		{"read only", head{200, rolledBack(""), nil, false}, "", false, ""},
		{"a write attempt is a finding", head{500, rolledBack("write:25006"), nil, false}, "", false, "25006"},
		{"it left its transaction", head{200, rolledBack("escape:commit"), nil, false}, reports.SkipLatched, true, ""},
		{"its time was over", head{503, rolledBack("budget"), nil, false}, reports.SkipTimeout, false, ""},
		{"it can not be sandboxed", head{200, rolledBack("unsupported:hijack"), nil, false}, reports.SkipUnsupported, false, ""},
		{"no acknowledgement of a safe request leaks nothing", head{200, Ack{}, none, false}, "", false, ""},
		{"the adapter refuses what it can not verify", head{403, Ack{}, none, false}, reports.SkipUnconfirmed, false, ""},
		{"a client would have got this 502 too", head{502, Ack{}, none, false}, "", false, ""},
	} {
		j := judgeSafe(c.head)
		if j.skip != c.skip || (j.leak != "") != c.leak || j.wrote != c.wrote {
			t.Errorf("%s: %+v is judged %+v", c.reason, c.head, j)
		}
	}
}
