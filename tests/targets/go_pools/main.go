// go_pools: a service that uses sync.Pool in every way an observer has to tell apart, and counts what it does itself.
//
// Its own counts are exact: a miss is counted by the New function (or by a nil result), a hit by a mark that an object
// carries since it was put, and both together must be the gets. Borrowers write a pattern into what they got and verify
// it before they put it back, so the program notices harm.
//
//	SIGUSR1  prints the counts so far, as one line of JSON
//	SIGUSR2  pauses: prints the counts once no goroutine holds an object; the next one goes on
//	SIGTERM  ends: prints the counts
//
// Exit codes: 0, 2 for bad usage, 8 when its own checks failed.
package main

import (
	"flag"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const maxGoroutines = 8

type options struct {
	goroutines int
	rate       float64
	rounds     uint64
	runTime    time.Duration
	gcEvery    time.Duration
	work       time.Duration
	pools      string
	paused     bool
	hold       bool
	putTwice   bool
	seed       int64
}

func parseOptions() options {
	var o options
	flag.IntVar(&o.goroutines, "goroutines", 4, "borrowing goroutines, 1 to 8")
	flag.Float64Var(&o.rate, "rate", 500, "rounds per second of all goroutines together; 0: as many as possible")
	flag.Uint64Var(&o.rounds, "rounds", 0, "end after so many rounds; 0: do not")
	flag.DurationVar(&o.runTime, "time", 0, "end after this time; 0: at SIGTERM")
	flag.DurationVar(&o.gcEvery, "gc-every", 0, "force a garbage collection this often; 0: never")
	flag.DurationVar(&o.work, "work", 0, "time that each round computes beside its pools")
	flag.StringVar(&o.pools, "pools", "", "use these pools only, by name, separated by commas")
	flag.BoolVar(&o.paused, "paused", false, "start paused: print the counts, go on at SIGUSR2")
	flag.BoolVar(&o.hold, "hold", false, "with -rounds: pause after the last one instead of ending")
	flag.BoolVar(&o.putTwice, "put-twice", false, "put objects of burstPool twice, a fault that the checks must notice")
	flag.Int64Var(&o.seed, "seed", 1, "of the sizes that are drawn")
	flag.Parse()
	if flag.NArg() != 0 || o.goroutines < 1 || o.goroutines > maxGoroutines || o.rate < 0 {
		flag.Usage()
		os.Exit(2)
	}
	return o
}

// selected is the part of `all` that -pools names; every name must be known.
func selected(all []*scenario, names string) []*scenario {
	if names == "" {
		return all
	}
	var chosen []*scenario
	for _, name := range strings.Split(names, ",") {
		before := len(chosen)
		for _, s := range all {
			if s.name == name {
				chosen = append(chosen, s)
			}
		}
		if len(chosen) == before {
			os.Stderr.WriteString("go_pools: -pools: there is no pool " + name + "\n")
			os.Exit(2)
		}
	}
	return chosen
}

func forceCollections(every time.Duration, g *gate) {
	for range time.Tick(every) {
		if g.isOpen() {
			runtime.GC()
		}
	}
}

// untilEnd answers signals until the work is done, the time is over or SIGTERM arrives.
func untilEnd(o options, s *service, signals <-chan os.Signal) {
	var timeOver <-chan time.Time
	if o.runTime > 0 {
		timeOver = time.After(o.runTime)
	}
	finished := s.finished
	for {
		select {
		case received := <-signals:
			switch received {
			case syscall.SIGUSR1:
				s.print("requested")
			case syscall.SIGUSR2:
				s.togglePause()
			default:
				return
			}
		case <-finished:
			if !o.hold {
				return
			}
			s.gate.close()
			s.print("paused")
			finished = nil
		case <-timeOver:
			return
		}
	}
}

func main() {
	o := parseOptions()
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTERM, syscall.SIGINT)

	s := newService(o, selected(allScenarios(), o.pools))
	if o.gcEvery > 0 {
		go forceCollections(o.gcEvery, s.gate)
	}
	if o.paused {
		s.print("paused")
	} else {
		s.gate.openAgain()
	}
	untilEnd(o, s, signals)
	s.stop()
	if faults := s.print("end"); faults > 0 {
		os.Exit(8)
	}
}
