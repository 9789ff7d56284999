package admin

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestLinksAndSessionsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSessions()
		late, _ := s.newLink("ann")
		time.Sleep(linkLife + time.Second)
		if _, _, ok := s.redeem(late); ok {
			t.Error("a link works after its time")
		}
		code, _ := s.newLink("ann")
		time.Sleep(linkLife - time.Second)
		cookie, begun, ok := s.redeem(code)
		if !ok || begun.by != "ann" || begun.csrf == "" || begun.csrf == cookie {
			t.Fatalf("session %+v, %v", begun, ok)
		}
		time.Sleep(sessionLife - time.Second)
		if s.find(cookie) != begun {
			t.Error("the session ended before its time")
		}
		time.Sleep(2 * time.Second)
		if s.find(cookie) != nil {
			t.Error("the session is there after its time")
		}
		if s.find("") != nil || s.find("x") != nil {
			t.Error("a session of nobody")
		}
	})
}

func TestLinksAndSessionsAreBounded(t *testing.T) {
	s := newSessions()
	for i := range maxSessions + maxLinks + 50 {
		code, _ := s.newLink(fmt.Sprint(i))
		if i%2 == 0 {
			if _, _, ok := s.redeem(code); !ok {
				t.Fatal("a fresh link does not work")
			}
		}
	}
	if len(s.links) > maxLinks || len(s.known) > maxSessions {
		t.Errorf("%d links, %d sessions", len(s.links), len(s.known))
	}
}
