package main

import (
	"bytes"
	"math"
	"math/rand"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"
)

// misses counts the calls of New functions, by pool. Two pools that share one function cannot be told apart by it.
var misses struct {
	byteSlice, server, session, tenant, pointer, jsonBuffer, bytesBuffer, builder, directSlice, record, shape,
	resetBeforePut, resetAfterGet, growing, recursion, burst atomic.Uint64
}

var libraryCalls struct{ json, fmt atomic.Uint64 }

func newSlice() *[]byte {
	b := make([]byte, 0, 64)
	return &b
}

func newSharedSlice() any { return newSlice() }

var (
	byteSlicePool      = sync.Pool{New: func() any { misses.byteSlice.Add(1); return newSlice() }}
	pointerPool        = &sync.Pool{New: func() any { misses.pointer.Add(1); return newSlice() }}
	noNewPool          sync.Pool
	sharedNewPoolA     = sync.Pool{New: newSharedSlice}
	sharedNewPoolB     = sync.Pool{New: newSharedSlice}
	jsonBufferPool     = sync.Pool{New: func() any { misses.jsonBuffer.Add(1); return new(bytes.Buffer) }}
	bytesBufferPool    = sync.Pool{New: func() any { misses.bytesBuffer.Add(1); return new(bytes.Buffer) }}
	builderPool        = sync.Pool{New: func() any { misses.builder.Add(1); return new(strings.Builder) }}
	directSlicePool    = sync.Pool{New: func() any { misses.directSlice.Add(1); return make([]byte, 0, 64) }}
	recordPool         = sync.Pool{New: func() any { misses.record.Add(1); return new(record) }}
	shapePool          = sync.Pool{New: func() any { return newShape(misses.shape.Add(1)) }}
	resetBeforePutPool = sync.Pool{New: func() any { misses.resetBeforePut.Add(1); return newSlice() }}
	resetAfterGetPool  = sync.Pool{New: func() any { misses.resetAfterGet.Add(1); return new(bytes.Buffer) }}
	growingPool        = sync.Pool{New: func() any { misses.growing.Add(1); return newSlice() }}
	recursionPool      = sync.Pool{New: func() any { misses.recursion.Add(1); return newSlice() }}
	burstPool          = sync.Pool{New: func() any { misses.burst.Add(1); return newSlice() }}
)

func newShape(number uint64) shape {
	if number%2 == 0 {
		return new(circle)
	}
	return new(polygon)
}

// A pool inside a package variable.
type serverState struct {
	name     string
	limit    uint64
	requests uint64
	buffers  sync.Pool
}

var server = serverState{name: "server", buffers: sync.Pool{New: func() any { misses.server.Add(1); return newSlice() }}}

// A pool inside a struct on the heap.
type session struct {
	number  uint64
	buffers sync.Pool
}

//go:noinline
func newSession() *session {
	return &session{number: 1, buffers: sync.Pool{New: func() any { misses.session.Add(1); return newSlice() }}}
}

// The same behind a package variable.
var tenant = newTenant()

//go:noinline
func newTenant() *session {
	return &session{number: 2, buffers: sync.Pool{New: func() any { misses.tenant.Add(1); return newSlice() }}}
}

// sizes are drawn log-uniformly from low up to low * 2^octaves, rounded down to 8 bytes.
type sizeRange struct {
	low     float64
	octaves float64
}

func (r sizeRange) draw(random *rand.Rand) int {
	return int(r.low*math.Exp2(random.Float64()*r.octaves)) &^ 7
}

var (
	small = sizeRange{128, 3}
	large = sizeRange{512, 5}
)

// scenario: one pool, and how it is used. In the long run a pool misses as often as its borrowers drop what they got, and
// when garbage collections emptied it.
type scenario struct {
	name         string
	variable     string  // package variable that holds the pool or points to it; empty: none does
	byPointer    bool    // it points to it, or to the struct that has it as `field`
	offset       uintptr // of the pool inside it
	field        string
	pool         *sync.Pool
	missesOfNew  *atomic.Uint64 // nil: misses are counted by those who get
	kind         kind
	element      string
	hasBuffer    bool
	create       func() any // for pools that have no New
	sizes        sizeRange
	every        uint64 // used in every so manyth round
	dropPer10000 uint64 // of the objects that were got, so many are not put back
	visit        func(w *worker, s *scenario)

	gets, hits, missesSeen, puts, drops, extraPuts atomic.Uint64
}

func (s *scenario) misses() uint64 {
	if s.missesOfNew != nil {
		return s.missesOfNew.Load()
	}
	return s.missesSeen.Load()
}

func newScenario(name string, pool *sync.Pool, missesOfNew *atomic.Uint64, k kind, every, dropPer10000 uint64) *scenario {
	s := &scenario{name: name, variable: "main." + name, pool: pool, missesOfNew: missesOfNew, kind: k, sizes: small,
		every: every, dropPer10000: dropPer10000, visit: borrowOne}
	s.element, s.hasBuffer = k.describe()
	return s
}

// Pools that miss a lot are used less often: whoever observes all misses must be able to afford it.
func allScenarios() []*scenario {
	afterGet, beforePut := slicePointers{resetAfterGet}, slicePointers{resetBeforePut}
	ofServer := newScenario("server", &server.buffers, &misses.server, afterGet, 1, 100)
	ofServer.offset, ofServer.field = unsafe.Offsetof(server.buffers), "buffers"
	onHeap := newSession()
	ofSession := newScenario("session", &onHeap.buffers, &misses.session, afterGet, 1, 300)
	ofSession.variable, ofSession.field = "", "buffers"
	ofTenant := newScenario("tenant", &tenant.buffers, &misses.tenant, afterGet, 2, 300)
	ofTenant.byPointer, ofTenant.field = true, "buffers"
	noNew := newScenario("noNewPool", &noNewPool, nil, afterGet, 4, 1000)
	noNew.create = newSharedSlice
	growing := newScenario("growingPool", &growingPool, &misses.growing, afterGet, 1, 100)
	growing.sizes = large
	recursion := newScenario("recursionPool", &recursionPool, &misses.recursion, afterGet, 1, 20)
	recursion.visit = borrowDeep
	burst := newScenario("burstPool", &burstPool, &misses.burst, afterGet, 150, 0)
	burst.visit = borrowMany
	pointer := newScenario("pointerPool", pointerPool, &misses.pointer, afterGet, 1, 500)
	pointer.byPointer = true
	return []*scenario{
		newScenario("byteSlicePool", &byteSlicePool, &misses.byteSlice, afterGet, 1, 10),
		ofServer, ofSession, ofTenant,
		pointer, noNew,
		newScenario("sharedNewPoolA", &sharedNewPoolA, nil, afterGet, 4, 2000),
		newScenario("sharedNewPoolB", &sharedNewPoolB, nil, afterGet, 4, 4000),
		newScenario("jsonBufferPool", &jsonBufferPool, &misses.jsonBuffer, jsonBuffers{}, 1, 50),
		newScenario("bytesBufferPool", &bytesBufferPool, &misses.bytesBuffer, buffers{resetAfterGet}, 1, 800),
		newScenario("builderPool", &builderPool, &misses.builder, builders{}, 2, 700),
		newScenario("directSlicePool", &directSlicePool, &misses.directSlice, slices{}, 4, 1500),
		newScenario("recordPool", &recordPool, &misses.record, objects{"*main.record"}, 4, 6000),
		newScenario("shapePool", &shapePool, &misses.shape, objects{""}, 4, 2500),
		newScenario("resetBeforePutPool", &resetBeforePutPool, &misses.resetBeforePut, beforePut, 1, 200),
		newScenario("resetAfterGetPool", &resetAfterGetPool, &misses.resetAfterGet, buffers{resetAfterGet}, 1, 200),
		growing, recursion, burst,
	}
}
