// go_growth: functions that append to slices in known chains, and what they saw grow: the capacity of a slice changes when append makes a
// new array.
//
// Ends after -rounds or at SIGTERM and prints its counts as one line of JSON, by function.
package main

import (
	"encoding/json"
	"flag"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
	"unsafe"
)

type chain struct {
	Chains      uint64 `json:"chains"`
	Steps       uint64 `json:"steps"`
	CopiedBytes uint64 `json:"copied_bytes"`
	FirstBytes  uint64 `json:"first_bytes"` // of the last chain, as what follows
	FinalBytes  uint64 `json:"final_bytes"`
}

type node struct {
	next  *node
	value [2]uint64
}

// Slices escape to the heap, as in programs that keep them.
var (
	bytesKept []byte
	wordsKept []uint64
	nodesKept []node
	counted   = map[string]*chain{"main.growBytes": {}, "main.growWords": {}, "main.growNodes": {}, "main.makeOnce": {}}
)

// appendTo appends n elements one by one. An array that append makes out of nothing is the first one of its chain.
func appendTo[T any](c *chain, s []T, n int, grow func([]T, T) []T) []T {
	var element T
	size := uint64(unsafe.Sizeof(element))
	first := uint64(cap(s)) * size
	for i := 0; i < n; i++ {
		before := s
		s = grow(s, element)
		if cap(s) == cap(before) {
			continue
		}
		if cap(before) == 0 {
			first = uint64(cap(s)) * size
			continue
		}
		c.Steps++
		c.CopiedBytes += uint64(len(before)) * size
	}
	if uint64(cap(s))*size > first {
		c.Chains++
		c.FirstBytes, c.FinalBytes = first, uint64(cap(s))*size
	}
	return s
}

//go:noinline
func growBytes(s []byte, b byte) []byte { return append(s, b) }

//go:noinline
func growWords(s []uint64, w uint64) []uint64 { return append(s, w) }

//go:noinline
func growNodes(s []node, n node) []node { return append(s, n) }

//go:noinline
func makeOnce(s []uint64, w uint64) []uint64 { return append(s, w) }

func round(firstBytes int) {
	bytesKept = appendTo(counted["main.growBytes"], make([]byte, 0, firstBytes), 1000, growBytes)
	wordsKept = appendTo(counted["main.growWords"], nil, 300, growWords)
	nodesKept = appendTo(counted["main.growNodes"], make([]node, 1), 40, growNodes)
	wordsKept = appendTo(counted["main.makeOnce"], nil, 1, makeOnce) // a first array alone is no growth
}

func run(rounds uint64, roundTime, work time.Duration, firstBytes int, stop <-chan os.Signal) uint64 {
	next := time.Now()
	for i := uint64(0); rounds == 0 || i < rounds; i++ {
		select {
		case <-stop:
			return i
		default:
		}
		round(firstBytes)
		for until := time.Now().Add(work); time.Now().Before(until); {
		}
		next = next.Add(roundTime)
		if wait := time.Until(next); wait > time.Millisecond {
			time.Sleep(wait)
		}
	}
	return rounds
}

func main() {
	rounds := flag.Uint64("rounds", 0, "end after so many rounds; 0: at SIGTERM")
	roundTime := flag.Duration("round-time", 0, "a round this often, on average; 0: as often as possible")
	work := flag.Duration("work", 0, "time that each round computes besides")
	pause := flag.Duration("pause", 0, "before the first round")
	firstBytes := flag.Int("first-bytes", 16, "capacity that the slices of bytes begin with")
	collect := flag.Bool("collect", true, "collect garbage")
	flag.Parse()
	if flag.NArg() != 0 {
		flag.Usage()
		os.Exit(2)
	}
	if !*collect {
		debug.SetGCPercent(-1)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	time.Sleep(*pause)
	start := time.Now()
	done := run(*rounds, *roundTime, *work, *firstBytes, stop)
	report := map[string]any{"operations": done, "seconds": time.Since(start).Seconds(), "functions": counted}
	line, err := json.Marshal(report)
	if err != nil {
		panic(err)
	}
	os.Stdout.Write(append(line, '\n'))
}
