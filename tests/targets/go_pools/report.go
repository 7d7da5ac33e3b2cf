package main

import (
	"encoding/json"
	"os"
	"reflect"
	"runtime"
	"strconv"
)

type sizeCounts map[int]uint64 // bytes: how many puts

type poolReport struct {
	Name         string     `json:"name"`
	Variable     string     `json:"variable"`   // empty: no package variable holds it or points to it
	ByPointer    bool       `json:"by_pointer"` // the variable points to it
	Offset       uintptr    `json:"offset"`
	Field        string     `json:"field"`
	NewFunction  string     `json:"new_function"`
	Element      string     `json:"element"` // empty: not always the same
	HasBuffer    bool       `json:"has_buffer"`
	Gets         uint64     `json:"gets"`
	Hits         uint64     `json:"hits"`
	Misses       uint64     `json:"misses"`
	Puts         uint64     `json:"puts"`
	Drops        uint64     `json:"drops"`      // got and not put back
	ExtraPuts    uint64     `json:"extra_puts"` // of objects that were in the pool already
	NeededBytes  sizeCounts `json:"needed_bytes"`
	BufferBytes  sizeCounts `json:"buffer_bytes"`
	MissedOfGets float64    `json:"miss_ratio"`
}

type libraryReport struct {
	Library string `json:"library"`
	Pool    string `json:"pool"`
	Gets    uint64 `json:"gets"`
}

type report struct {
	Event     string          `json:"event"` // requested, paused (nothing is borrowed), end
	Rounds    uint64          `json:"rounds"`
	OpenNs    int64           `json:"open_ns"` // time not spent paused
	Cycles    uint32          `json:"gc_cycles"`
	Faults    []string        `json:"faults"`
	Pools     []poolReport    `json:"pools"`
	Libraries []libraryReport `json:"libraries"`
}

// print writes the counts as one line and returns how many checks have failed so far.
func (s *service) print(event string) int {
	libraryCalls.json.Add(1) // json.Marshal below borrows once from encoding/json's own pool
	r := report{Event: event, Rounds: s.rounds.Load(), OpenNs: s.gate.openFor().Nanoseconds(), Cycles: collections()}
	for i, scenario := range s.scenarios {
		r.Pools = append(r.Pools, s.poolReport(i, scenario))
	}
	if event != "requested" {
		s.checkBalances()
	}
	r.Libraries = []libraryReport{
		{"encoding/json", "encoding/json.encodeStatePool", libraryCalls.json.Load()},
		{"fmt", "fmt.ppFree", libraryCalls.fmt.Load()},
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Faults = s.faults
	line, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	os.Stdout.Write(append(line, '\n'))
	return len(s.faults)
}

// checkBalances needs a moment without borrowers.
func (s *service) checkBalances() {
	for _, pool := range s.scenarios {
		gets, hits, misses := pool.gets.Load(), pool.hits.Load(), pool.misses()
		if gets != hits+misses {
			s.fault(pool.name + ": " + decimal(gets) + " gets are not " + decimal(hits) + " hits and " + decimal(misses) + " misses")
		}
		if puts, drops := pool.puts.Load(), pool.drops.Load(); gets != puts+drops {
			s.fault(pool.name + ": " + decimal(gets) + " gets are not " + decimal(puts) + " puts and " + decimal(drops) + " drops")
		}
	}
}

func (s *service) poolReport(index int, from *scenario) poolReport {
	r := poolReport{Name: from.name, Variable: from.variable, ByPointer: from.byPointer, Offset: from.offset, Field: from.field, Gets: from.gets.Load(),
		Hits: from.hits.Load(), Misses: from.misses(), Puts: from.puts.Load(), Drops: from.drops.Load(),
		ExtraPuts: from.extraPuts.Load(),
		Element:   from.element, HasBuffer: from.hasBuffer,
		NeededBytes: sizeCounts{}, BufferBytes: sizeCounts{}}
	if from.pool.New != nil {
		r.NewFunction = runtime.FuncForPC(reflect.ValueOf(from.pool.New).Pointer()).Name()
	}
	if r.Gets > 0 {
		r.MissedOfGets = float64(r.Misses) / float64(r.Gets)
	}
	for _, w := range s.workers {
		seen := &w.seen[index]
		seen.mu.Lock()
		addCounts(r.NeededBytes, seen.needed)
		addCounts(r.BufferBytes, seen.capacity)
		seen.mu.Unlock()
	}
	return r
}

func addCounts(sum sizeCounts, part map[int]uint64) {
	for bytes, count := range part {
		sum[bytes] += count
	}
}

func collections() uint32 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.NumGC
}

func decimal(value uint64) string { return strconv.FormatUint(value, 10) }
