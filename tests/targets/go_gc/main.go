// A Go program that allocates what it is told to and knows its own garbage collections. Commands on stdin, one per line; each
// is answered by one line of JSON: what runtime/metrics and MemStats say after it was carried out.
//
//	churn MIB BYTES  allocates MIB mebibytes in objects of BYTES, keeps none
//	keep MIB BYTES   allocates them and keeps them all
//	drop             forgets what was kept
//	gc N             collects N times
//	settings GOGC MEMORY_LIMIT_BYTES
//	report           does nothing else
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
)

var (
	kept []*[]byte
	sink *[]byte
)

type report struct {
	Cycles         uint64            `json:"cycles"`
	ForcedCycles   uint64            `json:"forced_cycles"`
	PauseNs        uint64            `json:"pause_ns"`
	AllocatedBytes uint64            `json:"allocated_bytes"`
	Objects        uint64            `json:"allocated_objects"`
	BySize         map[string]uint64 `json:"allocated_objects_by_class"`
	GoalBytes      uint64            `json:"goal_bytes"`
	HeapBytes      uint64            `json:"heap_bytes"`
	NumGC          uint32            `json:"memstats_num_gc"`
	TotalAlloc     uint64            `json:"memstats_total_alloc"`
}

var names = []string{
	"/gc/cycles/total:gc-cycles", "/gc/cycles/forced:gc-cycles", "/gc/heap/allocs:bytes", "/gc/heap/allocs:objects",
	"/gc/heap/goal:bytes", "/memory/classes/heap/objects:bytes", "/gc/heap/allocs-by-size:bytes",
}

// The metrics first: reading MemStats stops the world and flushes the caches of all processors.
func measure(samples []metrics.Sample) report {
	metrics.Read(samples)
	r := report{
		Cycles:         samples[0].Value.Uint64(),
		ForcedCycles:   samples[1].Value.Uint64(),
		AllocatedBytes: samples[2].Value.Uint64(),
		Objects:        samples[3].Value.Uint64(),
		GoalBytes:      samples[4].Value.Uint64(),
		HeapBytes:      samples[5].Value.Uint64(),
		BySize:         map[string]uint64{},
	}
	sizes := samples[6].Value.Float64Histogram()
	for i, count := range sizes.Counts {
		// the upper bound is exclusive: one more than the bytes of the class
		if end := sizes.Buckets[i+1]; count > 0 && !math.IsInf(end, 1) {
			r.BySize[fmt.Sprint(uint64(end)-1)] = count
		}
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	r.PauseNs, r.NumGC, r.TotalAlloc = stats.PauseTotalNs, stats.NumGC, stats.TotalAlloc
	return r
}

func allocate(mebibytes, bytes int, keep bool) {
	for n := mebibytes << 20 / bytes; n > 0; n-- {
		buffer := make([]byte, bytes)
		sink = &buffer
		if keep {
			kept = append(kept, sink)
		}
	}
	sink = nil
}

func carryOut(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	var a, b int
	switch word {
	case "churn", "keep":
		if _, err := fmt.Sscan(rest, &a, &b); err != nil {
			return err
		}
		allocate(a, b, word == "keep")
	case "drop":
		kept = nil
	case "gc":
		if _, err := fmt.Sscan(rest, &a); err != nil {
			return err
		}
		for ; a > 0; a-- {
			runtime.GC()
		}
	case "settings":
		if _, err := fmt.Sscan(rest, &a, &b); err != nil {
			return err
		}
		debug.SetGCPercent(a)
		debug.SetMemoryLimit(int64(b))
	case "report":
	default:
		return fmt.Errorf("no such command: %q", line)
	}
	return nil
}

func main() {
	samples := make([]metrics.Sample, len(names))
	for i, name := range names {
		samples[i].Name = name
	}
	metrics.Read(samples) // makes its tables
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		if err := carryOut(input.Text()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		text, _ := json.Marshal(measure(samples))
		fmt.Println(string(text))
	}
}
