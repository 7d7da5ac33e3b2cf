// What a Get and a Put of sync.Pool cost: the patterns of patterns.h, in Go. CPU time of the process per Get and Put, one
// line of JSON for each pattern.
//
//	go_pool_bench SECONDS
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

type object [4096]byte

var pool = sync.Pool{New: func() any { return new(object) }}

func get() *object {
	one := pool.Get().(*object)
	one[0] = 1
	return one
}

func onePair(pairs int) {
	for i := 0; i < pairs; i++ {
		pool.Put(get())
	}
}

func borrow64(pairs int) {
	var out [64]*object
	for i := 0; i < pairs; i += len(out) {
		for at := range out {
			out[at] = get()
		}
		for _, one := range out {
			pool.Put(one)
		}
	}
}

func handOver(pairs int) {
	type tray [1024]*object
	empty, full := make(chan *tray, 2), make(chan *tray, 2)
	empty <- new(tray)
	empty <- new(tray)
	go func() {
		for done := 0; done < pairs; done += len(tray{}) {
			filled := <-empty
			for at := range filled {
				filled[at] = get()
			}
			full <- filled
		}
		close(full)
	}()
	for filled := range full {
		for _, one := range filled {
			pool.Put(one)
		}
		empty <- filled
	}
}

// onThreads runs `pattern` in so many goroutines at the same time.
func onThreads(threads int, pattern func(int)) func(int) {
	return func(pairs int) {
		var all sync.WaitGroup
		for i := 0; i < threads; i++ {
			all.Add(1)
			go func() {
				defer all.Done()
				pattern(pairs / threads)
			}()
		}
		all.Wait()
	}
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fmt.Fprintln(os.Stderr, "getrusage:", err)
		os.Exit(1)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// nsPerPair makes more and more pairs until they take `atLeast`.
func nsPerPair(atLeast time.Duration, pattern func(int)) float64 {
	for pairs := 1 << 14; ; pairs *= 2 {
		start, cpu := time.Now(), cpuTime()
		pattern(pairs)
		if time.Since(start) >= atLeast {
			return float64(cpuTime()-cpu) / float64(pairs)
		}
	}
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go_pool_bench SECONDS")
		os.Exit(2)
	}
	seconds, err := strconv.ParseFloat(os.Args[1], 64)
	if err != nil {
		fmt.Fprintln(os.Stderr, "go_pool_bench: not a number of seconds:", os.Args[1])
		os.Exit(2)
	}
	atLeast := time.Duration(seconds * float64(time.Second))
	lines := json.NewEncoder(os.Stdout)
	for _, one := range []struct {
		name    string
		pattern func(int)
	}{
		{"pair/go_sync_pool/threads:1", onePair},
		{"pair/go_sync_pool/threads:2", onThreads(2, onePair)},
		{"pair/go_sync_pool/threads:8", onThreads(8, onePair)},
		{"borrowed_64/go_sync_pool", borrow64},
		{"handover/go_sync_pool", handOver},
	} {
		line := map[string]any{"name": one.name, "cpu_time": nsPerPair(atLeast, one.pattern)}
		if err := lines.Encode(line); err != nil {
			fmt.Fprintln(os.Stderr, "go_pool_bench:", err)
			os.Exit(1)
		}
	}
}
