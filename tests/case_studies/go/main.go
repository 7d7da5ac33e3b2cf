// case_studies_go: the case studies as Go services, with and without sync.Pool.
//
//	case_studies_go STUDY --bench SECONDS ROUNDS   each round does the baseline of each row, then the pooled one, each for about SECONDS;
//	                                               prints the lines of `go test -bench -benchmem`
//	case_studies_go STUDY --serve [WORDS]          until SIGTERM: what an agent watches; then {"operations": so often it did its work}
//
// Each study is a file of its own and adds itself to `studies`. Rows have the names of ../STUDY/reported.toml.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sort"
	"strconv"
	"syscall"
	"testing"
)

// One of the two is nil where there is nothing to compare with. What is no cost per operation is told with b.ReportMetric(value, "figure").
type row struct {
	name             string
	baseline, pooled func(b *testing.B)
}

type study struct {
	rows []row
	// Ends when `stop` is closed. `words` are those after --serve. Gives how often it did its work.
	serve func(words []string, stop <-chan struct{}) int
}

var studies = map[string]study{}

func fail(code int, words ...any) {
	fmt.Fprintln(os.Stderr, append([]any{"case_studies_go:"}, words...)...)
	os.Exit(code)
}

func usage() {
	names := make([]string, 0, len(studies))
	for name := range studies {
		names = append(names, name)
	}
	sort.Strings(names)
	fail(2, "usage: case_studies_go STUDY --bench SECONDS ROUNDS | --serve [WORDS]; studies:", names)
}

func printSide(row, side string, work func(b *testing.B)) {
	if work == nil {
		return
	}
	result := testing.Benchmark(work)
	fmt.Printf("Benchmark%s/%s-%d\t%s\t%s\n", row, side, runtime.GOMAXPROCS(0), result, result.MemString())
}

func bench(rows []row, seconds, rounds string) {
	count, err := strconv.Atoi(rounds)
	if err != nil || count < 1 {
		fail(2, "not a number of rounds:", rounds)
	}
	testing.Init()
	if err := flag.Set("test.benchtime", seconds+"s"); err != nil {
		fail(2, "not a number of seconds:", seconds)
	}
	for round := 0; round < count; round++ {
		for _, one := range rows {
			printSide(one.name, "baseline", one.baseline)
			printSide(one.name, "pooled", one.pooled)
		}
	}
}

func serve(one study, words []string) {
	signals, stop := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, syscall.SIGTERM)
	go func() {
		<-signals
		close(stop)
	}()
	fmt.Printf("{\"operations\": %d}\n", one.serve(words, stop))
}

func main() {
	if len(os.Args) < 3 {
		usage()
	}
	one, known := studies[os.Args[1]]
	switch {
	case known && os.Args[2] == "--bench" && len(os.Args) == 5:
		bench(one.rows, os.Args[3], os.Args[4])
	case known && os.Args[2] == "--serve" && one.serve != nil:
		serve(one, os.Args[3:])
	default:
		usage()
	}
}
