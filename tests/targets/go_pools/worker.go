package main

import (
	"fmt"
	"io"
	"math/rand"
	"runtime"
	"sync"
	"time"
)

const (
	burstObjects  = 16
	deepestFrames = 48
	heldFrames    = 24
)

// worker is one borrowing goroutine. What it keeps per pool is locked, because reports read it at any time.
type worker struct {
	service *service
	number  int
	random  *rand.Rand
	round   uint64
	stamp   byte
	seen    []sizesSeen // by scenario
	index   map[*scenario]int
}

type sizesSeen struct {
	mu               sync.Mutex
	needed, capacity map[int]uint64
	dropDebt         uint64 // in 10000ths of an object
}

func newWorker(s *service, number int, seed int64) *worker {
	w := &worker{service: s, number: number, random: rand.New(rand.NewSource(seed*maxGoroutines + int64(number)))}
	w.index = make(map[*scenario]int)
	w.seen = make([]sizesSeen, len(s.scenarios))
	for i, scenario := range s.scenarios {
		w.index[scenario] = i
		w.seen[i] = sizesSeen{needed: make(map[int]uint64), capacity: make(map[int]uint64),
			dropDebt: uint64(number * 10000 / maxGoroutines)}
	}
	return w
}

// run does rounds, paced when there is a rate, until the service has done all or ends.
func (w *worker) run() {
	o := w.service.options
	interval := time.Duration(0)
	if o.rate > 0 {
		interval = time.Duration(float64(time.Second) * float64(o.goroutines) / o.rate)
	}
	next := time.Now().Add(interval * time.Duration(w.number) / time.Duration(o.goroutines))
	for first := true; w.service.gate.pass(first); first = false {
		if !w.takeRound() {
			w.service.gate.leave()
			return
		}
		w.doRound()
		if interval > 0 {
			next = w.pace(next.Add(interval))
		}
	}
}

// pace waits until `next`; who is late for long, after a pause for one, does not catch up.
func (w *worker) pace(next time.Time) time.Time {
	late := time.Since(next)
	if late > 100*time.Millisecond {
		return time.Now()
	}
	if late < 0 {
		time.Sleep(-late)
	}
	return next
}

func (w *worker) takeRound() bool {
	w.round = w.service.rounds.Add(1)
	limit := w.service.options.rounds
	if limit > 0 && w.round > limit {
		w.service.rounds.Add(^uint64(0))
		return false
	}
	return true
}

func (w *worker) doRound() {
	for _, s := range w.service.scenarios {
		if w.round%s.every == 0 {
			s.visit(w, s)
		}
	}
	if w.service.options.pools == "" {
		libraryCalls.fmt.Add(1)
		fmt.Fprintf(io.Discard, "round %d", w.round)
	}
	for start := time.Now(); time.Since(start) < w.service.options.work; {
	}
}

// --- borrowing -----------------------------------------------------------------------------------------------------

type borrowed struct {
	object any
	size   int
	stamp  byte
}

func (w *worker) get(s *scenario) any {
	s.gets.Add(1)
	x := s.pool.Get()
	if x == nil {
		s.missesSeen.Add(1)
		return s.create()
	}
	if !s.kind.fresh(x) {
		s.hits.Add(1)
	} else if s.missesOfNew == nil {
		s.missesSeen.Add(1)
	}
	return x
}

// borrow calls Get before anything else: a stack that is too small is then too small for Get.
func (w *worker) borrow(s *scenario) borrowed {
	b := borrowed{object: w.get(s)}
	w.stamp++
	if w.stamp == 0 {
		w.stamp = 1
	}
	b.size, b.stamp = s.sizes.draw(w.random), w.stamp
	b.object = s.kind.use(b.object, b.size, b.stamp)
	return b
}

func (w *worker) giveBack(s *scenario, b borrowed) {
	if !s.kind.intact(b.object, b.size, b.stamp) {
		w.service.fault(s.name + ": somebody else wrote to a borrowed object")
	}
	seen := &w.seen[w.index[s]]
	seen.dropDebt += s.dropPer10000
	if seen.dropDebt >= 10000 {
		seen.dropDebt -= 10000
		s.drops.Add(1)
		return
	}
	s.kind.beforePut(b.object)
	if s.hasBuffer {
		length, capacity := s.kind.sizes(b.object)
		seen.mu.Lock()
		seen.needed[length]++
		seen.capacity[capacity]++
		seen.mu.Unlock()
	}
	s.puts.Add(1)
	s.pool.Put(b.object)
}

func borrowOne(w *worker, s *scenario) {
	b := w.borrow(s)
	if w.round%16 == 0 {
		runtime.Gosched()
	}
	w.giveBack(s, b)
}

func borrowMany(w *worker, s *scenario) {
	var all [burstObjects]borrowed
	for i := range all {
		all[i] = w.borrow(s)
	}
	for _, b := range all {
		w.giveBack(s, b)
		if w.service.options.putTwice {
			s.extraPuts.Add(1)
			s.pool.Put(b.object)
		}
	}
}

// borrowDeep gets at another depth of the stack in each round, in a goroutine whose stack is small at first, and makes it grow
// while the object is borrowed: Get, Put and the borrower all come to a stack that is too small.
func borrowDeep(w *worker, s *scenario) {
	done := make(chan byte)
	go func() {
		frames := int(w.round % deepestFrames)
		done <- descend(w.round%2 == 0, frames, func() {
			b := w.borrow(s)
			descend(w.round%3 == 0, heldFrames, func() {})
			w.giveBack(s, b)
		})
	}()
	<-done
}

func descend(wide bool, frames int, bottom func()) byte {
	if frames == 0 {
		bottom()
		return 0
	}
	if wide {
		return wideFrame(frames, bottom)
	}
	return narrowFrame(frames, bottom)
}

//go:noinline
func narrowFrame(frames int, bottom func()) byte {
	var frame [24]byte
	frame[frames%len(frame)] = 1
	return frame[0] + descend(false, frames-1, bottom)
}

//go:noinline
func wideFrame(frames int, bottom func()) byte {
	var frame [200]byte
	frame[frames%len(frame)] = 1
	return frame[0] + descend(true, frames-1, bottom)
}
