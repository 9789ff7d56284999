package handover

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// Predecessor is the old process, seen by the new one.
type Predecessor struct {
	PID   int
	files map[string]*os.File
	link  *link

	once  sync.Once
	ended chan struct{}
}

// Inherit is the process that has started this one to hand over to it, and nil
// when none has. The environment says so no more afterwards, and nothing that
// was inherited is passed on by accident to a process that this one starts.
func Inherit() (*Predecessor, error) {
	text, given := os.LookupEnv(variable)
	if !given {
		return nil, nil
	}
	os.Unsetenv(variable)
	p, err := inherit(text)
	if err != nil {
		return nil, fmt.Errorf("%s=%q: %w\nit is set by a running Quack for the one that it starts: unset it", variable, text, err)
	}
	return p, nil
}

func inherit(text string) (*Predecessor, error) {
	words := strings.Fields(text)
	if len(words) == 0 || words[0] != version {
		return nil, fmt.Errorf("this Quack knows hand-over %s only; restart it instead", version)
	}
	p := &Predecessor{files: map[string]*os.File{}, ended: make(chan struct{})}
	for _, word := range words[1:] {
		name, number, _ := strings.Cut(word, "=")
		n, err := strconv.Atoi(number)
		if err != nil || n <= 0 {
			return nil, fmt.Errorf("%q is not a name and a number", word)
		}
		if name == "pid" {
			p.PID = n
			continue
		}
		if n < firstFile {
			return nil, fmt.Errorf("%q is a standard stream", word)
		}
		syscall.CloseOnExec(n)
		p.files[name] = os.NewFile(uintptr(n), name)
	}
	f := p.File("link")
	if f == nil {
		return nil, errors.New("it names no link")
	}
	var err error
	p.link, err = newLink(f)
	return p, err
}

// File is what was inherited under the name, nil for nothing. It is the
// caller's from here on, and given once.
func (p *Predecessor) File(name string) *os.File {
	f := p.files[name]
	delete(p.files, name)
	return f
}

// Loaded says that this process has read all it needs, and returns when it may
// touch what both share. When the old process has ended that is so at once:
// nobody else is left to serve.
func (p *Predecessor) Loaded(ctx context.Context) error { return p.step(ctx, wordLoaded, wordPrepare) }

// Ready says that this process could serve, and returns when it is to.
func (p *Predecessor) Ready(ctx context.Context) error { return p.step(ctx, wordReady, wordServe) }

func (p *Predecessor) step(ctx context.Context, tell, await string) error {
	err := p.link.tell(tell)
	if err == nil {
		err = p.link.await(ctx, await)
	}
	if errors.Is(err, ErrEnded) {
		p.end()
		return nil
	}
	if err != nil {
		return fmt.Errorf("the process that hands over: %w", err)
	}
	return nil
}

// Serving says that this process serves.
func (p *Predecessor) Serving() {
	if p.link.tell(wordServing) != nil {
		p.end()
	}
}

// Fail says why this process ends instead.
func (p *Predecessor) Fail(err error) {
	p.link.tell(wordFailed + strings.ReplaceAll(err.Error(), "\n", "; "))
}

// Wait returns nil when the old process has ended, and ctx's error when that
// ends first. To be called by one goroutine, after Serving.
func (p *Predecessor) Wait(ctx context.Context) error {
	select {
	case <-p.ended:
		return nil
	default:
	}
	err := p.link.await(ctx, "")
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !errors.Is(err, ErrEnded) {
		return fmt.Errorf("wait for the end of process %d: %w", p.PID, err)
	}
	p.end()
	return nil
}

// Ended is closed when the old process is known to have ended.
func (p *Predecessor) Ended() <-chan struct{} { return p.ended }

func (p *Predecessor) end() { p.once.Do(func() { close(p.ended) }) }
