package main

import (
	"bytes"
	"encoding/json"
	"strings"
)

// kind knows the objects of a pool: how a borrower uses them, and what must be true before they are put back.
type kind interface {
	// fresh: the object was just created, it was never used and put.
	fresh(x any) bool
	// use writes `size` bytes of `stamp` into the object; returns what is to be put.
	use(x any, size int, stamp byte) any
	// intact: the object holds what use wrote.
	intact(x any, size int, stamp byte) bool
	// beforePut empties the object where its users do that.
	beforePut(x any)
	// sizes of the buffer behind the object; 0 without one.
	sizes(x any) (length, capacity int)
	// describe: type of the objects, empty when there are several; whether there is a buffer.
	describe() (element string, hasBuffer bool)
}

type resetTime int

const (
	resetAfterGet resetTime = iota
	resetBeforePut
)

// Written in steps, as encoders do, so that buffers grow by append.
const stepBytes = 256

func fills(b []byte, size int, stamp byte) bool {
	return len(b) == size && (size == 0 || b[0] == stamp && b[size-1] == stamp && b[size/2] == stamp)
}

var patterns = func() (all [256][]byte) {
	for stamp := range all {
		all[stamp] = bytes.Repeat([]byte{byte(stamp)}, stepBytes)
	}
	return all
}()

// appendSteps writes to an io.Writer-like append function.
func appendSteps(size int, stamp byte, write func([]byte)) {
	for size > 0 {
		step := patterns[stamp]
		if size < len(step) {
			step = step[:size]
		}
		write(step)
		size -= len(step)
	}
}

// usedBytes: the first byte of the array tells whether it was ever written; stamps are never 0.
func usedBytes(b []byte) bool { return cap(b) > 0 && b[:1][0] != 0 }

// --- *[]byte -------------------------------------------------------------------------------------------------------

type slicePointers struct{ reset resetTime }

func (slicePointers) fresh(x any) bool { return !usedBytes(*x.(*[]byte)) }

func (k slicePointers) use(x any, size int, stamp byte) any {
	b := x.(*[]byte)
	if k.reset == resetAfterGet {
		*b = (*b)[:0]
	}
	appendSteps(size, stamp, func(step []byte) { *b = append(*b, step...) })
	return b
}

func (slicePointers) intact(x any, size int, stamp byte) bool {
	return fills(*x.(*[]byte), size, stamp)
}

func (k slicePointers) beforePut(x any) {
	if b := x.(*[]byte); k.reset == resetBeforePut {
		*b = (*b)[:0]
	}
}

func (slicePointers) sizes(x any) (int, int)   { b := *x.(*[]byte); return len(b), cap(b) }
func (slicePointers) describe() (string, bool) { return "*[]uint8", true }

// --- []byte, directly in the interface -------------------------------------------------------------------------------

type slices struct{}

func (slices) fresh(x any) bool { return !usedBytes(x.([]byte)) }

func (slices) use(x any, size int, stamp byte) any {
	b := x.([]byte)[:0]
	appendSteps(size, stamp, func(step []byte) { b = append(b, step...) })
	return b
}

func (slices) intact(x any, size int, stamp byte) bool { return fills(x.([]byte), size, stamp) }
func (slices) beforePut(any)                           {}
func (slices) sizes(x any) (int, int)                  { b := x.([]byte); return len(b), cap(b) }
func (slices) describe() (string, bool)                { return "[]uint8", true }

// --- *bytes.Buffer ---------------------------------------------------------------------------------------------------

type buffers struct{ reset resetTime }

func (buffers) fresh(x any) bool { return x.(*bytes.Buffer).Cap() == 0 }

func (k buffers) use(x any, size int, stamp byte) any {
	b := x.(*bytes.Buffer)
	if k.reset == resetAfterGet {
		b.Reset()
	}
	appendSteps(size, stamp, func(step []byte) { b.Write(step) })
	return b
}

func (buffers) intact(x any, size int, stamp byte) bool {
	return fills(x.(*bytes.Buffer).Bytes(), size, stamp)
}

func (k buffers) beforePut(x any) {
	if k.reset == resetBeforePut {
		x.(*bytes.Buffer).Reset()
	}
}

func (buffers) sizes(x any) (int, int)   { b := x.(*bytes.Buffer); return b.Len(), b.Cap() }
func (buffers) describe() (string, bool) { return "*bytes.Buffer", true }

// --- *bytes.Buffer that takes JSON -------------------------------------------------------------------------------------

type jsonBuffers struct{ buffers }

type message struct {
	Text string `json:"text"`
}

const (
	jsonHead = `{"text":"`
	jsonTail = "\"}\n"
)

func letterOf(stamp byte) byte { return 'a' + stamp%26 }

var letters = func() (all [26]string) {
	for i := range all {
		all[i] = strings.Repeat(string(rune('a'+i)), 8192)
	}
	return all
}()

func (jsonBuffers) use(x any, size int, stamp byte) any {
	b := x.(*bytes.Buffer)
	b.Reset()
	text := letters[letterOf(stamp)-'a'][:size]
	libraryCalls.json.Add(1)
	if err := json.NewEncoder(b).Encode(message{text}); err != nil {
		panic(err)
	}
	return b
}

func (jsonBuffers) intact(x any, size int, stamp byte) bool {
	b := x.(*bytes.Buffer).Bytes()
	return bytes.HasPrefix(b, []byte(jsonHead)) && bytes.HasSuffix(b, []byte(jsonTail)) &&
		fills(b[len(jsonHead):len(b)-len(jsonTail)], size, letterOf(stamp))
}

// --- *strings.Builder --------------------------------------------------------------------------------------------------

// Reset gives the buffer of a Builder away, so that every borrower starts with an empty one.
type builders struct{}

func (builders) fresh(x any) bool { return x.(*strings.Builder).Cap() == 0 }

func (builders) use(x any, size int, stamp byte) any {
	b := x.(*strings.Builder)
	b.Reset()
	appendSteps(size, stamp, func(step []byte) { b.Write(step) })
	return b
}

func (builders) intact(x any, size int, stamp byte) bool {
	return fills([]byte(x.(*strings.Builder).String()), size, stamp)
}
func (builders) beforePut(any)            {}
func (builders) sizes(x any) (int, int)   { b := x.(*strings.Builder); return b.Len(), b.Cap() }
func (builders) describe() (string, bool) { return "*strings.Builder", true }

// --- objects without a buffer --------------------------------------------------------------------------------------------

type marked interface {
	mark(stamp byte)
	stamp() byte
}

type record struct {
	first  byte
	fields [14]uint64
	last   byte
}

func (r *record) mark(stamp byte) { r.first, r.last = stamp, stamp }
func (r *record) stamp() byte {
	if r.first != r.last {
		return 0
	}
	return r.first
}

// shape is what shapePool holds: objects of two types.
type shape interface {
	marked
	area() float64
}

type circle struct {
	radius float64
	stamped
}

type polygon struct {
	stamped
	corners [6][2]float64
}

type stamped struct{ value byte }

func (s *stamped) mark(stamp byte) { s.value = stamp }
func (s *stamped) stamp() byte     { return s.value }
func (c *circle) area() float64    { return 3 * c.radius * c.radius }
func (p *polygon) area() float64   { return p.corners[0][0] * p.corners[1][1] }

type objects struct{ element string }

func (objects) fresh(x any) bool                     { return x.(marked).stamp() == 0 }
func (objects) use(x any, _ int, stamp byte) any     { x.(marked).mark(stamp); return x }
func (objects) intact(x any, _ int, stamp byte) bool { return x.(marked).stamp() == stamp }
func (objects) beforePut(any)                        {}
func (objects) sizes(any) (int, int)                 { return 0, 0 }
func (o objects) describe() (string, bool)           { return o.element, false }
