package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"
)

const (
	usualBytes = 50 << 10
	chunkBytes = 32 << 10
	usualRows  = 100
	batchRows  = 1000
)

// One row of an answer: 392 bytes of JSON.
type ticket struct {
	ID          string    `json:"id"`
	Subject     string    `json:"subject"`
	Description string    `json:"description"`
	State       string    `json:"state"`
	Priority    string    `json:"priority"`
	Requester   string    `json:"requester"`
	Assignee    string    `json:"assignee"`
	Product     string    `json:"product"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// What an answer holds; made once, as what is asked for here is how it becomes JSON.
var tickets = makeTickets()

func makeTickets() []ticket {
	states := [...]string{"open  ", "closed", "paused", "merged"}
	created := time.Date(2026, 3, 14, 0, 0, 0, 123e6, time.UTC)
	made := make([]ticket, batchRows)
	for i := range made {
		made[i] = ticket{
			ID: fmt.Sprintf("T%09d", i), Subject: "Sign-in shows an empty page to some people since the last.",
			Description: "The page stays empty after signing in; a second try works. Seen \"today\" twice.",
			State:       states[i%len(states)], Priority: "normal", Requester: "someone@example.org",
			Assignee: "support-second-line", Product: "accounts",
			CreatedAt: created.Add(time.Duration(i) * 37 * time.Second), UpdatedAt: created.Add(time.Duration(i) * 41 * time.Second),
		}
	}
	return made
}

func appendRow(buffer []byte, row int) []byte {
	if row == 0 {
		buffer = append(buffer, '[')
	} else {
		buffer = append(buffer, ',')
	}
	text, err := json.Marshal(&tickets[row])
	if err != nil {
		fail(1, "a ticket:", err)
	}
	return append(buffer, text...)
}

func appendRows(buffer []byte, rows int) []byte {
	for row := 0; row < rows; row++ {
		buffer = appendRow(buffer, row)
	}
	return append(buffer, ']')
}

// Keeps the compiler from leaving buffers out, or on the stack.
var sink []byte

// ---- benchmarks ---------------------------------------------------------------------------------------------------------

func poolOf(bytes int) *sync.Pool {
	return &sync.Pool{New: func() any {
		buffer := make([]byte, 0, bytes)
		return &buffer
	}}
}

func answerFresh(bytes, rows int) { sinkOf(appendRows(make([]byte, 0, bytes), rows)) }

//go:noinline
func sinkOf(buffer []byte) { runtime.KeepAlive(buffer) }

func answerPooled(pool *sync.Pool, rows int) {
	buffer := pool.Get().(*[]byte)
	*buffer = appendRows((*buffer)[:0], rows)
	pool.Put(buffer)
}

func freshBuffers(bytes, rows int) func(b *testing.B) {
	return func(b *testing.B) {
		for i := 0; i < b.N; i++ {
			answerFresh(bytes, rows)
		}
	}
}

func pooledBuffers(bytes, rows int) func(b *testing.B) {
	pool := poolOf(bytes)
	return func(b *testing.B) {
		for i := 0; i < b.N; i++ {
			answerPooled(pool, rows)
		}
	}
}

func onAllProcessors(work func()) func(b *testing.B) {
	return func(b *testing.B) {
		b.RunParallel(func(turns *testing.PB) {
			for turns.Next() {
				work()
			}
		})
	}
}

func onAllProcessorsPooled(bytes int) func(b *testing.B) {
	pool := poolOf(bytes)
	return onAllProcessors(func() { answerPooled(pool, usualRows) })
}

func getAndPut(b *testing.B) {
	for i := 0; i < b.N; i++ {
		jsonBufferPool.Put(jsonBufferPool.Get())
	}
}

func onTheStack(b *testing.B) {
	for i := 0; i < b.N; i++ {
		buffer := make([]byte, 0, usualBytes)
		_ = buffer
	}
}

func fromTheHeap(b *testing.B) {
	for i := 0; i < b.N; i++ {
		sink = make([]byte, 0, usualBytes)
	}
}

// Zeroed, and nothing to collect: it does not leave the stack.
func cleared(b *testing.B) {
	for i := 0; i < b.N; i++ {
		buffer := make([]byte, usualBytes)
		sinkOf(buffer[:1])
	}
}

func answerBytes(rows int) func(b *testing.B) {
	return func(b *testing.B) { b.ReportMetric(float64(len(appendRows(nil, rows))), "figure") }
}

func chunkFigure(figure func(chunks, rowsOfFirst int) int) func(b *testing.B) {
	return func(b *testing.B) {
		chunks, rowsOfFirst := 0, 0
		makeBatch(poolOf(usualBytes), func(_ *[]byte, rows int) {
			if chunks++; chunks == 1 {
				rowsOfFirst = rows
			}
		})
		b.ReportMetric(float64(figure(chunks, rowsOfFirst)), "figure")
	}
}

func jsonBufferRows() []row {
	var rows []row
	for _, kib := range []int{1, 4, 8, 16, 32, 50, 64, 128, 256} {
		rows = append(rows, row{fmt.Sprintf("sweep/%dK", kib), freshBuffers(kib<<10, usualRows), pooledBuffers(kib<<10, usualRows)})
	}
	for _, count := range []int{10, 100, 500, 1000} {
		rows = append(rows, row{fmt.Sprintf("rows/%d", count), freshBuffers(usualBytes, count), pooledBuffers(usualBytes, count)})
	}
	for _, count := range []int{1, 10, 50, 100, 500, 1000} {
		rows = append(rows, row{fmt.Sprintf("size/%d", count), nil, answerBytes(count)})
	}
	return append(rows,
		row{"chunk/rows", nil, chunkFigure(func(_, rowsOfFirst int) int { return rowsOfFirst })},
		row{"chunk/chunks", nil, chunkFigure(func(chunks, _ int) int { return chunks })},
		row{"concurrent/32K_to_50K", onAllProcessorsPooled(32 << 10), onAllProcessorsPooled(usualBytes)},
		row{"concurrent/50K", nil, onAllProcessorsPooled(usualBytes)},
		row{"overhead/cleared", cleared, getAndPut},
		row{"overhead/get_put", nil, getAndPut},
		row{"overhead/stack", nil, onTheStack},
		row{"overhead/heap", nil, fromTheHeap})
}

// ---- the service --------------------------------------------------------------------------------------------------------

var jsonBufferPool = poolOf(usualBytes)

// Hands each chunk of a batch to `send`, whose it is then.
func makeBatch(pool *sync.Pool, send func(chunk *[]byte, rows int)) {
	chunk := pool.Get().(*[]byte)
	*chunk = (*chunk)[:0]
	for row := 0; row < batchRows; row++ {
		*chunk = appendRow(*chunk, row)
		if len(*chunk) > chunkBytes {
			send(chunk, row+1)
			chunk = pool.Get().(*[]byte)
			*chunk = (*chunk)[:0]
		}
	}
	*chunk = append(*chunk, ']')
	send(chunk, batchRows)
}

// As the report has it: the deferred Put is of the first chunk, which another goroutine has by then, and which puts it, too.
func makeBatchAndPutTheFirst(send chan<- *[]byte) {
	chunk := jsonBufferPool.Get().(*[]byte)
	*chunk = (*chunk)[:0]
	defer jsonBufferPool.Put(chunk)
	for row := 0; row < usualRows; row++ {
		*chunk = appendRow(*chunk, row)
		if len(*chunk) > chunkBytes {
			send <- chunk
			chunk = jsonBufferPool.Get().(*[]byte)
			*chunk = (*chunk)[:0]
		}
	}
	*chunk = append(*chunk, ']')
	send <- chunk
}

// whole (default): answers of 88 to 100 rows; fresh [BYTES]: the same without a pool, in buffers that begin with so many bytes (1024); chunks: batches of 1000 rows in chunks that another goroutine sends; misuse: batches of
// 100 rows, of which the first chunk is put twice.
func serveJSON(words []string, stop <-chan struct{}) int {
	how, firstBytes := "whole", 1024
	if len(words) > 0 {
		how = words[0]
	}
	if len(words) > 1 {
		var err error
		if firstBytes, err = strconv.Atoi(words[1]); err != nil || firstBytes < 1 {
			fail(2, "not a number of bytes:", words[1])
		}
	}
	chunks := make(chan *[]byte, 16)
	go func() {
		for chunk := range chunks {
			sinkOf(*chunk)
			jsonBufferPool.Put(chunk)
		}
	}()
	work, known := map[string]func(turn int){
		"whole":  func(turn int) { answerPooled(jsonBufferPool, 88+turn%13) },
		"fresh":  func(turn int) { answerFresh(firstBytes, 88+turn%13) },
		"chunks": func(int) { makeBatch(jsonBufferPool, func(chunk *[]byte, _ int) { chunks <- chunk }) },
		"misuse": func(int) { makeBatchAndPutTheFirst(chunks) },
	}[how]
	if !known {
		fail(2, "answers are `whole`, `fresh`, `chunks` or `misuse`, not", how)
	}
	for turn := 0; ; turn++ {
		select {
		case <-stop:
			return turn
		case <-time.After(time.Millisecond):
			work(turn)
		}
	}
}

func init() {
	studies["json_buffer"] = study{rows: jsonBufferRows(), serve: serveJSON}
}
