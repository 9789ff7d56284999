package front

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
)

// KeyPair names the PEM files of a certificate, with its chain, and of its key.
type KeyPair struct{ Cert, Key string }

// Certificates are the certificates of a server, chosen by the name that a
// client asks for; the first is for everybody else. Run reads them again when
// their files change. A pair that can not be used leaves the one before it in
// force.
type Certificates struct {
	log    *slog.Logger
	config atomic.Pointer[tls.Config]
	pairs  []*loadedPair // Run's
	every  time.Duration // between looks that nothing has asked for
	blind  bool          // for tests: as where files can not be watched
}

// loadedPair is a pair and what was last seen in its files.
type loadedPair struct {
	KeyPair
	cert, key []byte
	inForce   tls.Certificate
	unread    bool // a file could not be read, and that was said
}

// LoadCertificates reads the pairs; all have to be sound.
func LoadCertificates(pairs []KeyPair, log *slog.Logger) (*Certificates, error) {
	if len(pairs) == 0 {
		return nil, errors.New("no certificate is named")
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	c := &Certificates{log: log, every: 10 * time.Second}
	var errs []error
	for _, pair := range pairs {
		p := &loadedPair{KeyPair: pair}
		if _, err := p.load(); err != nil {
			errs = append(errs, err)
		}
		c.pairs = append(c.pairs, p)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c.put()
	for _, p := range c.pairs {
		c.warnOfAge(p)
	}
	return c, nil
}

// load reads the files. changed is false when they are as they were, also when
// they were bad.
func (p *loadedPair) load() (changed bool, err error) {
	cert, err := os.ReadFile(p.Cert)
	if err != nil {
		return false, fmt.Errorf("read the certificate: %w\n  give a PEM file that this process may read", err)
	}
	key, err := os.ReadFile(p.Key)
	if err != nil {
		return false, fmt.Errorf("read the key: %w\n  give a PEM file that this process may read", err)
	}
	if bytes.Equal(cert, p.cert) && bytes.Equal(key, p.key) {
		return false, nil
	}
	p.cert, p.key = cert, key
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return true, fmt.Errorf("use certificate %q with key %q: %w\n  give the certificate with its chain, and the key that was made for it, both as PEM", p.Cert, p.Key, err)
	}
	p.inForce = pair
	return true, nil
}

// news reports whether an error of reading has not been told yet.
func (p *loadedPair) news(err error) bool {
	told := p.unread
	p.unread = err != nil
	return p.unread && !told
}

// put puts what is loaded in force for handshakes from now on. TLS 1.2 is the
// oldest version, by Go's default.
func (c *Certificates) put() {
	config := &tls.Config{NextProtos: []string{"h2", "http/1.1"}}
	for _, p := range c.pairs {
		config.Certificates = append(config.Certificates, p.inForce)
	}
	c.config.Store(config)
}

func (c *Certificates) warnOfAge(p *loadedPair) {
	if leaf := p.inForce.Leaf; leaf != nil && time.Now().After(leaf.NotAfter) {
		c.log.Warn("certificate has expired", "cert", p.Cert, "not_after", leaf.NotAfter)
	}
}

// settle is how long a change is given to be complete: two files are seldom
// written at once.
const settle = 200 * time.Millisecond

// Run watches the files until ctx ends. Their folders are watched, so that
// renames over a file and swapped symlinks are seen; a look now and then finds
// what was missed.
func (c *Certificates) Run(ctx context.Context) error {
	events, faults, stop := c.watch()
	defer stop()
	look := time.NewTicker(c.every)
	defer look.Stop()
	soon := time.NewTimer(0)
	defer soon.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-events:
			soon.Reset(settle)
			continue
		case <-faults: // such as events that were dropped: look
			soon.Reset(settle)
			continue
		case <-soon.C:
		case <-look.C:
		}
		c.reload()
	}
}

// watch tells of whatever happens in the folders of the files. Where that can
// not be had the looks have to do, and the watcher says nothing.
func (c *Certificates) watch() (events <-chan fsnotify.Event, faults <-chan error, stop func()) {
	if c.blind {
		return nil, nil, func() {}
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		c.log.Warn("certificate files are not watched, they are looked at now and then", "error", err, "every", c.every)
		return nil, nil, func() {}
	}
	for _, p := range c.pairs {
		for _, file := range []string{p.Cert, p.Key} {
			if err := w.Add(filepath.Dir(file)); err != nil {
				c.log.Warn("certificate file is not watched, it is looked at now and then", "file", file, "error", err, "every", c.every)
			}
		}
	}
	return w.Events, w.Errors, func() { w.Close() }
}

func (c *Certificates) reload() {
	changed := false
	for _, p := range c.pairs {
		fresh, err := p.load()
		news := p.news(err)
		switch {
		case err != nil && (fresh || news):
			c.log.Error("new certificate is not used, the one before stays in force", "cert", p.Cert, "key", p.Key, "error", err)
		case err == nil && fresh:
			changed = true
			c.log.Info("certificate in force", "cert", p.Cert, "not_after", p.inForce.Leaf.NotAfter)
			c.warnOfAge(p)
		}
	}
	if changed {
		c.put()
	}
}
