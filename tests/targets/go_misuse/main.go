// go_misuse: one goroutine with one sync.Pool that does what an observer should find, as often as it is told, and counts it.
//
//	lost       an object is not put back: every -lose-every-th of those it got from the pool
//	put twice  every -put-twice-every-th put is done again
//	used       every -use-every-th put is followed by a write to the object
//
// An object that was put twice comes back twice: what is counted is every put of an object that was in the pool already, and every get of one
// that is not as it was when it was put. Collections are off, and there is one processor: nothing else moves objects. Both caches of a
// sync.Pool for one processor together are a stack, nearly; the log of gets (g) and puts (p) is exact.
//
// Ends after -rounds or at SIGTERM and prints its counts as one line of JSON.
package main

import (
	"encoding/json"
	"flag"
	"math/rand"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"
)

const maxHeld = 8

type counts struct {
	Gets         uint64 `json:"gets"`
	Misses       uint64 `json:"misses"`
	Puts         uint64 `json:"puts"`
	Lost         uint64 `json:"lost"` // of those that came from the pool
	PutTwice     uint64 `json:"put_twice"`
	UsedAfterPut uint64 `json:"used_after_put"`
	Events       string `json:"events"` // with -log
}

type options struct {
	rounds                          uint64
	loseEvery, twiceEvery, useEvery uint64
	roundTime, work                 time.Duration
	firstPause, lastPause           time.Duration
	log                             bool
}

var (
	misses     uint64
	bufferPool = sync.Pool{New: func() any { misses++; b := make([]byte, 0, 256); return &b }}
)

type user struct {
	options  options
	counted  counts
	lengths  map[*[]byte]int // of objects in the pool, when they were put
	fromPool uint64
	events   []byte
}

func (u *user) event(kind byte) {
	if u.options.log {
		u.events = append(u.events, kind)
	}
}

func (u *user) get() (b *[]byte, isNew bool) {
	before := misses
	b = bufferPool.Get().(*[]byte)
	u.event('g')
	u.counted.Gets++
	if misses > before {
		return b, true
	}
	if length, known := u.lengths[b]; known && length != len(*b) {
		u.counted.UsedAfterPut++
	}
	delete(u.lengths, b)
	return b, false
}

func (u *user) put(b *[]byte) {
	if _, isIdle := u.lengths[b]; isIdle {
		u.counted.PutTwice++
	}
	u.counted.Puts++
	u.lengths[b] = len(*b)
	u.event('p')
	bufferPool.Put(b)
}

func due(count, every uint64) bool { return every > 0 && count%every == 0 }

func (u *user) giveBack(b *[]byte, isNew bool) {
	if !isNew {
		u.fromPool++
		if due(u.fromPool, u.options.loseEvery) {
			u.counted.Lost++
			return
		}
	}
	u.put(b)
	if due(u.counted.Puts, u.options.twiceEvery) {
		u.put(b)
	}
	if due(u.counted.Puts, u.options.useEvery) {
		*b = append(*b, 'x')
	}
}

func (u *user) round(random *rand.Rand) {
	type held struct {
		b     *[]byte
		isNew bool
	}
	var all [maxHeld]held
	taken := all[:1+random.Intn(maxHeld)]
	for i := range taken {
		b, isNew := u.get()
		*b = append((*b)[:0], make([]byte, 1+random.Intn(200))...)
		taken[i] = held{b, isNew}
	}
	for _, h := range taken {
		u.giveBack(h.b, h.isNew)
	}
}

func (u *user) run(stop <-chan os.Signal) {
	random := rand.New(rand.NewSource(1))
	bufferPool.Put(new([]byte)) // shows its type to who watches
	time.Sleep(u.options.firstPause)
	next := time.Now()
	for round := uint64(0); u.options.rounds == 0 || round < u.options.rounds; round++ {
		select {
		case <-stop:
			return
		default:
		}
		u.round(random)
		for until := time.Now().Add(u.options.work); time.Now().Before(until); {
		}
		next = next.Add(u.options.roundTime)
		if wait := time.Until(next); wait > time.Millisecond {
			time.Sleep(wait)
		}
	}
}

func parseOptions() options {
	var o options
	flag.Uint64Var(&o.rounds, "rounds", 0, "end after so many rounds of up to 8 objects; 0: at SIGTERM")
	flag.Uint64Var(&o.loseEvery, "lose-every", 0, "lose every n-th object that came from the pool; 0: none")
	flag.Uint64Var(&o.twiceEvery, "put-twice-every", 0, "do every n-th put again; 0: none")
	flag.Uint64Var(&o.useEvery, "use-every", 0, "write to every n-th object after its put; 0: none")
	flag.DurationVar(&o.roundTime, "round-time", 0, "a round this often, on average; 0: as often as possible")
	flag.DurationVar(&o.work, "work", 0, "time that each round computes besides")
	flag.DurationVar(&o.firstPause, "first-pause", 0, "before the first round")
	flag.DurationVar(&o.lastPause, "last-pause", 0, "after the last round")
	flag.BoolVar(&o.log, "log", false, "print the order of gets and puts, too")
	flag.Parse()
	if flag.NArg() != 0 {
		flag.Usage()
		os.Exit(2)
	}
	return o
}

func main() {
	o := parseOptions()
	debug.SetGCPercent(-1)
	runtime.GOMAXPROCS(1)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	u := &user{options: o, lengths: map[*[]byte]int{}}
	u.run(stop)
	time.Sleep(o.lastPause)
	u.counted.Misses, u.counted.Events = misses, string(u.events)
	line, err := json.Marshal(u.counted)
	if err != nil {
		panic(err)
	}
	os.Stdout.Write(append(line, '\n'))
}
