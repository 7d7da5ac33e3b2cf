package main

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	serverReplyBytes = 600
	serverMapsAtOnce = 64
	serverRoom       = 16 // for attributes of a map
	serverLoseEvery  = 4  // of --serve lossy
)

// One entry of the cache on its way in or out.
type cacheItem struct {
	key               string
	value             any
	timeToLive        time.Duration
	created, accessed time.Time
}

// What somebody waits for while somebody else finds it.
type asyncResult struct {
	done  atomic.Bool
	value string
	err   error
}

var (
	itemPool   = sync.Pool{New: func() any { return new(cacheItem) }}
	resultPool = sync.Pool{New: func() any { return new(asyncResult) }}
	bufferPool = sync.Pool{New: func() any { return new(bytes.Buffer) }}
	slicePool  = sync.Pool{New: func() any { keys := make([]string, 0, 16); return &keys }}
	mapPool    = sync.Pool{New: func() any { return make(map[string]any, serverRoom) }}
)

var (
	serverReply = bytes.Repeat([]byte{'x'}, serverReplyBytes)
	itemSink    *cacheItem
	resultSink  *asyncResult
	bytesSink   []byte
	keysSink    []string
	mapSink     map[string]any
)

func (item *cacheItem) fill() {
	item.key, item.value, item.timeToLive = "user:123", "Ada Lovelace", 10*time.Minute
}

func (result *asyncResult) set(value string) {
	result.value = value
	result.done.Store(true)
}

func fillKeys(keys []string) []string {
	return append(keys, "user:123:profile:name", "user:123:profile:mail", "user:123:visits", "user:123")
}

func fillMap(attributes map[string]any, visits int) {
	attributes["id"] = 4711 + visits
	attributes["visits"] = 12345 + visits
	attributes["name"] = "Ada Lovelace"
}

func putMap(attributes map[string]any) {
	for key := range attributes {
		delete(attributes, key)
	}
	mapPool.Put(attributes)
}

// ---- from the heap -------------------------------------------------------------------------------------------------------

func makeItem() {
	item := cacheItem{} // on the stack: nothing holds it longer
	item.fill()
	if item.key == "" {
		itemSink = new(cacheItem)
	}
}

func makeResult() {
	result := new(asyncResult)
	result.set("found")
	resultSink = result
}

// Nobody looks at it, so nothing is left of it: what a benchmark of "allocating" may really measure.
func makeUnusedBuffer() {
	buffer := bytes.Buffer{}
	_ = buffer
}

func makeBuffer() {
	buffer := new(bytes.Buffer)
	buffer.Grow(4096)
	buffer.Write(serverReply)
	bytesSink = buffer.Bytes()
}

func makeSlice() { keysSink = fillKeys(make([]string, 0, 16)) }

func makeMap(visits int) map[string]any {
	attributes := make(map[string]any, serverRoom)
	fillMap(attributes, visits)
	return attributes
}

// ---- from the pools ------------------------------------------------------------------------------------------------------

func borrowItem() {
	item := itemPool.Get().(*cacheItem)
	item.fill()
	*item = cacheItem{}
	itemPool.Put(item)
}

func borrowResult() {
	result := resultPool.Get().(*asyncResult)
	result.set("found")
	result.done.Store(false)
	result.value = ""
	resultPool.Put(result)
}

func borrowUnusedBuffer() {
	bufferPool.Put(bufferPool.Get())
}

func borrowBuffer() {
	buffer := bufferPool.Get().(*bytes.Buffer)
	buffer.Reset()
	buffer.Write(serverReply)
	bufferPool.Put(buffer)
}

func borrowSlice() {
	keys := slicePool.Get().(*[]string)
	*keys = fillKeys((*keys)[:0])
	slicePool.Put(keys)
}

func borrowMap(visits int) map[string]any {
	attributes := mapPool.Get().(map[string]any)
	fillMap(attributes, visits)
	return attributes
}

// ---- rows ----------------------------------------------------------------------------------------------------------------

func times(operation func()) func(b *testing.B) {
	return func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; i < b.N; i++ {
			operation()
		}
	}
}

func oneMapFromHeap(b *testing.B) {
	for i := 0; i < b.N; i++ {
		mapSink = makeMap(i)
	}
}

func oneMapFromPool(b *testing.B) {
	for i := 0; i < b.N; i++ {
		putMap(borrowMap(i))
	}
}

func mapsFromHeap(b *testing.B) {
	var out [serverMapsAtOnce]map[string]any
	for i := 0; i < b.N; i++ {
		out[i%len(out)] = makeMap(i)
	}
	mapSink = out[0]
}

func mapsFromPool(b *testing.B) {
	var out [serverMapsAtOnce]map[string]any
	for i := 0; i < b.N; i++ {
		if out[i%len(out)] != nil {
			putMap(out[i%len(out)])
		}
		out[i%len(out)] = borrowMap(i)
	}
	for _, attributes := range out {
		if attributes != nil {
			putMap(attributes)
		}
	}
}

// ---- the service -----------------------------------------------------------------------------------------------------------

func answerFromHeap(request int) {
	mapSink = makeMap(request)
	makeResult()
	makeBuffer()
	makeSlice()
	makeItem()
}

func answerFromPools(request int, losesItem bool) {
	putMap(borrowMap(request))
	borrowResult()
	borrowBuffer()
	borrowSlice()
	if !losesItem {
		borrowItem()
		return
	}
	itemSink = itemPool.Get().(*cacheItem)
	itemSink.fill()
}

func serveObjects(words []string, stop <-chan struct{}) int {
	how := "pool"
	if len(words) > 0 {
		how = words[0]
	}
	if how != "heap" && how != "pool" && how != "lossy" {
		fail(2, "--serve takes `heap`, `pool` or `lossy`, not", fmt.Sprintf("%q", how))
	}
	pause := time.NewTicker(time.Millisecond)
	defer pause.Stop()
	for request := 0; ; {
		select {
		case <-stop:
			return request
		case <-pause.C:
		}
		for i := 0; i < 400; i++ {
			request++
			if how == "heap" {
				answerFromHeap(request)
			} else {
				answerFromPools(request, how == "lossy" && request%serverLoseEvery == 0)
			}
		}
	}
}

func init() {
	studies["object_pools"] = study{
		rows: []row{
			{"map", oneMapFromHeap, oneMapFromPool},
			{"item", times(makeItem), times(borrowItem)},
			{"buffer", times(makeUnusedBuffer), times(borrowUnusedBuffer)},
			{"used_buffer", times(makeBuffer), times(borrowBuffer)},
			{"result", times(makeResult), times(borrowResult)},
			{"slice", times(makeSlice), times(borrowSlice)},
			{"maps_64_at_once", mapsFromHeap, mapsFromPool},
		},
		serve: serveObjects,
	}
}
