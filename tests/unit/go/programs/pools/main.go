// pools uses sync.Pool in the ways that services do, and says of every type in Examples what reflect says of it:
// one line each of name, kind, size, and name:offset of the fields of a struct.
package main

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"sync"

	fake "example.com/pooltest/bytes"
)

type Request struct {
	ID    int64
	Body  []byte
	Name  string
	inner struct{ flags [3]uint16 }
}

type Chunk []uint32

type BodyPool struct {
	before int64
	sync.Pool
}

var requestPool = sync.Pool{New: func() interface{} { return new(Request) }}
var bufferPool = sync.Pool{New: func() interface{} { return new(bytes.Buffer) }}
var slicePool sync.Pool
var bodies BodyPool

var Examples = [...]interface{}{
	(*[]byte)(nil), (*bytes.Buffer)(nil), (*strings.Builder)(nil), (*Request)(nil), (*Chunk)(nil), (*[]Request)(nil),
	(*fake.Buffer)(nil), (*[][4]string)(nil), (*map[string]int)(nil), (*int)(nil), (*[]struct{})(nil), (**[]byte)(nil),
	[]byte(nil), Chunk(nil), []string(nil), "text", Request{}, [2]int64{}, 3, map[string]int(nil), (chan int)(nil),
}

func describe(t reflect.Type) string {
	line := fmt.Sprintf("%s\t%d\t%d", t, t.Kind(), t.Size())
	if t.Kind() == reflect.Struct {
		for i := 0; i < t.NumField(); i++ {
			line += fmt.Sprintf("\t%s:%d", t.Field(i).Name, t.Field(i).Offset)
		}
	}
	return line
}

func main() {
	r, _ := requestPool.Get().(*Request)
	b, _ := bufferPool.Get().(*bytes.Buffer)
	v, _ := slicePool.Get().([]byte)
	bodies.Put(&v)
	requestPool.Put(r)
	bufferPool.Put(b)
	slicePool.Put(v)
	for _, example := range Examples {
		t := reflect.TypeOf(example)
		fmt.Println(describe(t))
	}
}
