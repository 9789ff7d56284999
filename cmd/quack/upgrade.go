package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/quackproxy/quack/admin"
	"github.com/quackproxy/quack/internal/handover"
	"github.com/quackproxy/quack/internal/systemd"
)

// signals are those that a serving process listens to beside the ones that
// stop it; from its start to its end, since each would end it otherwise.
type signals struct {
	reload  chan os.Signal // SIGHUP
	upgrade chan os.Signal // SIGUSR2
}

func listenToSignals() *signals {
	s := &signals{reload: make(chan os.Signal, 1), upgrade: make(chan os.Signal, 1)}
	signal.Notify(s.reload, syscall.SIGHUP)
	signal.Notify(s.upgrade, syscall.SIGUSR2)
	return s
}

func (s *signals) stop() {
	signal.Stop(s.reload)
	signal.Stop(s.upgrade)
}

// upgrades hands over to a new process at each SIGUSR2, until one has taken
// over. serving ends when the process stops, for whatever reason. handedOver is
// called once.
func (p *process) upgrades(serving context.Context, handedOver func()) func(context.Context) error {
	return func(ctx context.Context) error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-p.signals.upgrade:
			}
			if serving.Err() != nil {
				p.log.Warn("SIGUSR2 is ignored: this process is stopping")
				continue
			}
			if p.upgrade(serving) {
				handedOver()
			}
		}
	}
}

// upgrade hands over to a new process. When that fails, this one goes on as if
// nothing had happened, and says so.
func (p *process) upgrade(serving context.Context) (done bool) {
	if !p.alone(serving) {
		return false
	}
	p.tell(systemd.Reloading())
	pid, err := p.handOver(serving)
	if err == nil {
		p.log.Warn("handed over: the new process serves, this one finishes its requests", "new_pid", pid, "pid", os.Getpid())
		p.tell(systemd.MainPID(pid), systemd.Ready)
		return true
	}
	p.upgraded.Store(&admin.Handover{Failed: err.Error(), FailedAt: time.Now().UTC().Round(0)})
	if serving.Err() == nil {
		p.log.Error("the upgrade has failed; this process goes on as before", "pid", os.Getpid(), "error", err)
		p.tell(systemd.Ready)
	}
	return false
}

// alone waits for the end of the process before this one.
func (p *process) alone(serving context.Context) bool {
	if p.before == nil {
		return true
	}
	select {
	case <-p.before.Ended():
		return true
	default:
	}
	p.log.Info("the upgrade waits for the process before this one, which still finishes its requests", "old_pid", p.before.PID)
	select {
	case <-p.before.Ended():
		return true
	case <-serving.Done():
		return false
	}
}

// handOver starts a new process and takes it through the steps of taking over.
// A stop of this process ends the new one up to the moment it is told to serve.
func (p *process) handOver(serving context.Context) (pid int, err error) {
	ctx, cancel := context.WithTimeoutCause(serving, p.upgradeWait, fmt.Errorf("it was not ready within %s", p.upgradeWait))
	defer cancel()
	next, err := p.startNext()
	if err != nil {
		return 0, err
	}
	p.log.Info("upgrade: a new process has been started", "new_pid", next.PID, "pid", os.Getpid())
	defer func() {
		if err == nil {
			return
		}
		if errors.Is(err, context.DeadlineExceeded) {
			err = context.Cause(ctx)
		}
		err = handover.Explain(err, next.Kill())
	}()
	if err := next.Loaded(ctx); err != nil {
		return 0, err
	}
	p.control.Seal()
	defer func() {
		if err != nil {
			p.takeBack()
		}
	}()
	// So that the new process counts on from where this one is.
	if err := p.reports.Flush(ctx); err != nil {
		p.log.Warn("counters are not written before the hand-over", "error", err)
	}
	if err := next.Prepare(ctx); err != nil {
		return 0, err
	}
	ctx, cancelServe := context.WithTimeoutCause(context.WithoutCancel(ctx), serveWait, fmt.Errorf("it was told to serve and did not within %s", serveWait))
	defer cancelServe()
	if err := next.Serve(ctx); err != nil {
		return 0, err
	}
	p.bound.release()
	return next.PID, next.Release()
}

// serveWait is how long a process that was ready may take to say that it
// serves. A stop of this process waits for that.
const serveWait = 5 * time.Second

func (p *process) startNext() (*handover.Successor, error) {
	path, err := handover.Binary(os.Args[0])
	if err != nil {
		return nil, err
	}
	files, err := p.bound.files()
	if err != nil {
		return nil, err
	}
	defer closeFiles(files)
	given := map[string]*os.File{"lock": p.db.Lock()}
	for name, f := range files {
		given[name] = f
	}
	return handover.Start(handover.Command{Path: path, Args: os.Args, Env: os.Environ(), Files: given})
}

// takeBack lets changes through again, and looks for those of the file that
// were turned away meanwhile.
func (p *process) takeBack() {
	p.control.Unseal()
	select {
	case p.signals.reload <- syscall.SIGHUP:
	default:
	}
}

// succeed waits for the end of the process before this one and takes in what it
// has written. Until then suspected leaks are read every second.
func (p *process) succeed(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- p.before.Wait(ctx) }()
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			p.rereadLatches(ctx)
		case err := <-ended:
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return err
			}
			p.rereadLatches(ctx)
			if err := p.reports.Reread(ctx); err != nil && ctx.Err() == nil {
				p.log.Error("what the process before this one counted last is not shown before a restart", "error", err)
			}
			p.log.Info("the process before this one has ended", "old_pid", p.before.PID)
			<-ctx.Done()
			return nil
		}
	}
}

func (p *process) rereadLatches(ctx context.Context) {
	if err := p.control.RereadLatches(ctx); err != nil && ctx.Err() == nil {
		p.log.Error("leaks suspected by the process before this one are not known", "error", err)
	}
}

// handover plugs the state of the hand-over into the admin listener.
func (p *process) handover() admin.Handover {
	h := admin.Handover{}
	if last := p.upgraded.Load(); last != nil {
		h = *last
	}
	h.PID = os.Getpid()
	if p.before == nil {
		return h
	}
	select {
	case <-p.before.Ended():
	default:
		h.Predecessor = p.before.PID
	}
	return h
}
