package main

import (
	"sync"
	"time"
)

// gate holds goroutines back between two rounds. It starts closed.
type gate struct {
	mu          sync.Mutex
	changed     *sync.Cond
	open        bool
	ended       bool
	inside      int // goroutines between two calls of pass
	openedAt    time.Time
	openForPast time.Duration
}

func newGate() *gate {
	g := &gate{}
	g.changed = sync.NewCond(&g.mu)
	return g
}

// pass ends the round before, waits while the gate is closed and begins the next. False: the gate has ended.
func (g *gate) pass(first bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !first {
		g.leaveLocked()
	}
	for !g.open && !g.ended {
		g.changed.Wait()
	}
	if g.ended {
		return false
	}
	g.inside++
	return true
}

// leave ends the last round of a goroutine that does not come back.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.leaveLocked()
}

func (g *gate) leaveLocked() {
	g.inside--
	if g.inside == 0 {
		g.changed.Broadcast()
	}
}

func (g *gate) isOpen() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open
}

func (g *gate) openAgain() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open, g.openedAt = true, time.Now()
	g.changed.Broadcast()
}

// close returns when no goroutine is inside.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closeLocked()
}

func (g *gate) closeLocked() {
	if g.open {
		g.openForPast += time.Since(g.openedAt)
	}
	g.open = false
	for g.inside > 0 {
		g.changed.Wait()
	}
}

// end is close for good: whoever waits is told to go.
func (g *gate) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closeLocked()
	g.ended = true
	g.changed.Broadcast()
}

// openFor is the time the gate has been open in all.
func (g *gate) openFor() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open {
		return g.openForPast + time.Since(g.openedAt)
	}
	return g.openForPast
}
