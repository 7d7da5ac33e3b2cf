// A Go program without any sync.Pool: it uses nothing but the runtime and system calls, because fmt and os have pools. For each
// line on stdin it allocates 16 MiB in objects of 1 KiB, collects, and answers with one line of JSON: what MemStats says. At an x it
// executes itself anew.
package main

import (
	"runtime"
	"strconv"
	"syscall"
)

const (
	objects     = 16 << 10
	objectBytes = 1 << 10
)

var sink []byte

func allocate() {
	for i := 0; i < objects; i++ {
		sink = make([]byte, objectBytes)
	}
	sink = nil
	runtime.GC()
}

func appendField(line []byte, name string, value uint64) []byte {
	if len(line) > 1 {
		line = append(line, ", "...)
	}
	line = append(line, '"')
	line = append(line, name...)
	line = append(line, "\": "...)
	return strconv.AppendUint(line, value, 10)
}

func report() []byte {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	line := []byte{'{'}
	line = appendField(line, "cycles", uint64(stats.NumGC))
	line = appendField(line, "pause_ns", stats.PauseTotalNs)
	line = appendField(line, "allocated_bytes", stats.TotalAlloc)
	return append(line, "}\n"...)
}

func main() {
	buffer := make([]byte, 1)
	for {
		n, err := syscall.Read(0, buffer)
		if n == 0 || err != nil && err != syscall.EINTR {
			return
		}
		if n == 1 && buffer[0] == '\n' {
			allocate()
			syscall.Write(1, report())
		}
		if n == 1 && buffer[0] == 'x' {
			syscall.Exec("/proc/self/exe", []string{"go_no_pool"}, nil)
			return
		}
	}
}
