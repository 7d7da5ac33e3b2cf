package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	usualColumns    = 13
	manyColumns     = 105
	serializerBytes = 4096
	serializerPause = 200 * time.Microsecond
	sustainedBytes  = 512
	snapshots       = 14
)

// Columns of a table as maps, as a catalog keeps what it does not know beforehand.
func columnsOf(count int) []any {
	kinds := [...]string{"string", "long", "timestamptz", "decimal(18,2)"}
	columns := make([]any, count)
	for i := range columns {
		columns[i] = map[string]any{"id": i + 1, "name": fmt.Sprintf("customer_address_%d", i), "type": kinds[i%len(kinds)],
			"doc": fmt.Sprintf("Part %d of where an order goes, as the customer wrote it; see the address book for the rest.", i)}
	}
	return columns
}

func describe(head map[string]any, columns []any) map[string]any {
	head["name"], head["location"], head["fields"] = "warehouse.orders", "s3://lake/warehouse/orders", columns
	return head
}

// What an answer to a request for the history of a table is made of.
type snapshot struct{ ID, Parent, At, Records, Bytes int64 }

type history struct {
	head      map[string]any
	snapshots []*snapshot
}

func newHistory() *history {
	made := &history{head: make(map[string]any), snapshots: make([]*snapshot, snapshots)}
	for i := range made.snapshots {
		made.snapshots[i] = new(snapshot)
	}
	return made
}

func (h *history) describe(columns []any) map[string]any {
	for i, one := range h.snapshots {
		*one = snapshot{int64(i), int64(i) - 1, 1773446400, 1000, 1 << 20}
	}
	h.head["snapshots"] = h.snapshots
	return describe(h.head, columns)
}

func check(err error) {
	if err != nil {
		fail(1, err)
	}
}

var (
	serializerNew  uint64
	serializerPool = sync.Pool{New: func() any {
		atomic.AddUint64(&serializerNew, 1)
		return bytes.NewBuffer(make([]byte, 0, serializerBytes))
	}}
	historyPool = sync.Pool{New: func() any { return newHistory() }}
)

func serializeFresh(document map[string]any) {
	text, err := json.Marshal(document)
	check(err)
	sinkOf(text)
}

func serializePooled(document map[string]any) {
	buffer := serializerPool.Get().(*bytes.Buffer)
	buffer.Reset()
	check(json.NewEncoder(buffer).Encode(document))
	sinkOf(buffer.Bytes())
	serializerPool.Put(buffer)
}

// What is encoded comes from a pool, too.
func historyPooled(columns []any) {
	one := historyPool.Get().(*history)
	serializePooled(one.describe(columns))
	historyPool.Put(one)
}

func each(work func()) func(b *testing.B) {
	return func(b *testing.B) {
		for i := 0; i < b.N; i++ {
			work()
		}
	}
}

// ---- tokens -------------------------------------------------------------------------------------------------------------

const tokenBytes = 32

var tokenPool = sync.Pool{New: func() any { return make([]byte, tokenBytes) }}

func tokenFresh() {
	random := make([]byte, tokenBytes)
	_, err := rand.Read(random)
	check(err)
	sinkOfText(hex.EncodeToString(random))
}

// As the report has it: a slice that is put becomes an interface, which allocates.
func tokenPooled() {
	random := tokenPool.Get().([]byte)
	_, err := rand.Read(random)
	check(err)
	sinkOfText(hex.EncodeToString(random))
	tokenPool.Put(random)
}

//go:noinline
func sinkOfText(text string) { runtime.KeepAlive(text) }

// ---- a buffer alone -----------------------------------------------------------------------------------------------------

var blockPool = sync.Pool{New: func() any { return new([serializerBytes]byte) }}

//go:noinline
func newBlock() *[serializerBytes]byte { return new([serializerBytes]byte) }

func freshBlock() { newBlock()[0] = 1 }

func pooledBlock() {
	block := blockPool.Get().(*[serializerBytes]byte)
	block[0] = 1
	blockPool.Put(block)
}

func onGoroutines(perProcessor int, work func()) func(b *testing.B) {
	return func(b *testing.B) {
		b.SetParallelism(perProcessor)
		onAllProcessors(work)(b)
	}
}

func sustainedWork() {
	buffer := serializerPool.Get().(*bytes.Buffer)
	buffer.Reset()
	buffer.Write(sustainedAnswer[:])
	serializerPool.Put(buffer)
}

var sustainedAnswer [sustainedBytes]byte

func sustainedHits(b *testing.B) {
	const gets = 1 << 16
	before := atomic.LoadUint64(&serializerNew)
	for i := 0; i < gets; i++ {
		sustainedWork()
	}
	b.ReportMetric(1-float64(atomic.LoadUint64(&serializerNew)-before)/gets, "figure")
}

func serializerRows() []row {
	usual, many := columnsOf(usualColumns), columnsOf(manyColumns)
	fresh := func(columns []any) func(b *testing.B) {
		return each(func() { serializeFresh(describe(make(map[string]any), columns)) })
	}
	pooled := func(columns []any) func(b *testing.B) {
		return each(func() { serializePooled(describe(make(map[string]any), columns)) })
	}
	return []row{
		{"table", fresh(usual), pooled(usual)},
		{"large", fresh(many), pooled(many)},
		{"token", each(tokenFresh), each(tokenPooled)},
		{"concurrent", onAllProcessors(freshBlock), onAllProcessors(pooledBlock)},
		{"gc_pressure", each(func() { serializeFresh(newHistory().describe(usual)) }), each(func() { historyPooled(usual) })},
		{"concurrent/access", nil, onAllProcessors(pooledBlock)},
		{"concurrent/10", nil, onGoroutines(10, pooledBlock)},
		{"concurrent/100", nil, onGoroutines(100, pooledBlock)},
		{"sustained", nil, each(sustainedWork)},
		{"hit_ratio", nil, sustainedHits},
	}
}

// One description of 105 columns, then a pause.
func serveSerializer(_ []string, stop <-chan struct{}) int {
	columns := columnsOf(manyColumns)
	for served := 0; ; served++ {
		select {
		case <-stop:
			return served
		case <-time.After(serializerPause):
			serializePooled(describe(make(map[string]any), columns))
		}
	}
}

func init() {
	studies["serializer"] = study{rows: serializerRows(), serve: serveSerializer}
}
