//go:build !linux

package main

import (
	"context"
	"errors"
	"os/exec"
	"time"
)

var errOnlyLinux = errors.New("the benchmarks need Linux: /proc, epoll, per-process CPU clocks")

func makeLoad(context.Context, loadSpec) (*loadResult, error) { return nil, errOnlyLinux }

func processTime(int) (time.Duration, error) { return 0, errOnlyLinux }

func dieWithUs(*exec.Cmd) {}
