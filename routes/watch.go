package routes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settleAfter is how long new content must stand before it is read: some
	// editors write a file in pieces.
	settleAfter = 50 * time.Millisecond
	// missingAfter is the same for a file that is gone: others remove it first.
	missingAfter = 300 * time.Millisecond
	// pollEvery finds what the notifications miss: a folder that was replaced, a
	// file system without them, too many watches.
	pollEvery = 750 * time.Millisecond
)

// Watch calls changed with each new table after the file's bytes changed (seen
// within a second, also through atomic rename and Kubernetes' symlink swap) or
// poke received, and failed with the error when it does not load: once for one
// content, and for each poke. It does not report the state it starts with; see
// [WatchSince]. Returns nil when ctx ends and no goroutine is left.
func Watch(ctx context.Context, file string, poke <-chan struct{}, changed func(*Table), failed func(error)) error {
	_, now, _ := readDigest(file)
	return WatchSince(ctx, file, now, poke, changed, failed)
}

// WatchSince is Watch for a table that was loaded before: hash is its
// [Table.Hash], and a change of the file since then is reported as well.
func WatchSince(ctx context.Context, file, hash string, poke <-chan struct{}, changed func(*Table), failed func(error)) error {
	w := &watcher{file: file, changed: changed, failed: failed, seen: hash, settle: time.NewTimer(0)}
	defer w.settle.Stop()
	var events <-chan fsnotify.Event
	var lost <-chan error
	// The folder is watched and not the file: a rename puts another file there.
	// Without notifications the poll is slower and does the same.
	if n, err := fsnotify.NewWatcher(); err == nil {
		defer n.Close()
		if n.Add(filepath.Dir(file)) == nil {
			events, lost = n.Events, n.Errors
		}
	}
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case _, open := <-poke:
			if !open {
				poke = nil
				continue
			}
			w.reload()
		case <-events:
			w.lookIn(settleAfter)
		case <-lost: // events were dropped; the poll makes up for them
		case <-poll.C:
			w.look()
		case <-w.settle.C:
			w.armed = false
			w.look()
		}
	}
}

// watcher is the state of one WatchSince, owned by its goroutine.
type watcher struct {
	file    string
	changed func(*Table)
	failed  func(error)
	seen    string // digest of the content that was reported last
	next    string // digest of other content that has been seen once
	settle  *time.Timer
	armed   bool
}

// lookIn looks after d, unless it does so anyway: a folder in which something
// happens all the time must not put it off for ever.
func (w *watcher) lookIn(d time.Duration) {
	if !w.armed {
		w.armed = true
		w.settle.Reset(d)
	}
}

// look reports new content that has been the same twice.
func (w *watcher) look() {
	src, digest, err := readDigest(w.file)
	switch digest {
	case w.seen:
		w.next = ""
	case w.next:
		w.report(src, digest, err)
	default:
		w.next = digest
		if err != nil {
			w.lookIn(missingAfter)
			return
		}
		w.lookIn(settleAfter)
	}
}

// reload reports the content whether it is new or not.
func (w *watcher) reload() {
	src, digest, err := readDigest(w.file)
	w.report(src, digest, err)
}

func (w *watcher) report(src []byte, digest string, err error) {
	w.seen, w.next = digest, ""
	if err != nil {
		w.failed(unreadable(w.file, err))
		return
	}
	t, err := parseAt(gentle(), w.file, src)
	if err != nil {
		w.failed(err)
		return
	}
	w.changed(t)
}

// readDigest reads the file. The digest tells contents apart, and also why it
// could not be read.
func readDigest(file string) (src []byte, digest string, err error) {
	src, err = os.ReadFile(file)
	if err != nil {
		return nil, "unreadable: " + err.Error(), err
	}
	return src, hashOf(src), nil
}

// hashOf is the first 16 hex digits of the SHA-256 of src.
func hashOf(src []byte) string {
	sum := sha256.Sum256(src)
	return hex.EncodeToString(sum[:8])
}
