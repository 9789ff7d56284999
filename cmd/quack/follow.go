package main

import (
	"context"
	"sync"
	"time"
)

// followEvery is how often what serves the table in force looks at it.
const followEvery = time.Second

// following calls follow, which starts what the table wants and stops what it
// no longer wants, until ctx ends, and returns when all that it has started is
// gone.
func following(ctx context.Context, follow func(context.Context, *sync.WaitGroup)) error {
	var all sync.WaitGroup
	defer all.Wait()
	for {
		follow(ctx, &all)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followEvery):
		}
	}
}
