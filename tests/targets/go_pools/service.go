package main

import (
	"sync"
	"sync/atomic"
)

const maxFaults = 100

// service is all the goroutines and what they did.
type service struct {
	options   options
	scenarios []*scenario
	gate      *gate
	workers   []*worker
	rounds    atomic.Uint64
	finished  chan struct{} // closed when the last round of -rounds is done

	mu     sync.Mutex
	faults []string
}

func newService(o options, scenarios []*scenario) *service {
	s := &service{options: o, scenarios: scenarios, gate: newGate(), finished: make(chan struct{}), faults: []string{}}
	var running sync.WaitGroup
	for number := 0; number < o.goroutines; number++ {
		w := newWorker(s, number, o.seed)
		s.workers = append(s.workers, w)
		running.Add(1)
		go func() {
			defer running.Done()
			w.run()
		}()
	}
	go func() {
		running.Wait()
		close(s.finished)
	}()
	return s
}

func (s *service) fault(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) < maxFaults {
		s.faults = append(s.faults, text)
	}
}

func (s *service) togglePause() {
	if !s.gate.isOpen() {
		s.gate.openAgain()
		return
	}
	s.gate.close()
	s.print("paused")
}

func (s *service) stop() {
	s.gate.end()
	<-s.finished
}
