// fields has its pools inside structs and arrays, and behind pointers. It prints a line for each: the address of the variable and
// the offset of the pool in it, or in what the variable points to.
package main

import (
	"sync"
	"unsafe"
)

type cache struct {
	hits uint64
	pool sync.Pool
}

type renamed cache

type service struct {
	name    string
	buffers sync.Pool
	inner   struct {
		requests uint64
		deep     cache
	}
	shards [4]cache
	grid   [2][3]sync.Pool
	sync.Pool
	next *service
}

var (
	plain   sync.Pool
	srv     service
	shards  [8]cache
	pools   [3]sync.Pool
	alias   renamed
	without struct{ a, b uint64 }
	behind  = newService()
	direct  = new(sync.Pool)
	table   = new([2]cache)
)

//go:noinline
func newService() *service { return &service{name: "behind"} }

func use(variable, holder unsafe.Pointer, pool *sync.Pool) {
	pool.Put(new(int))
	println(uintptr(variable), uintptr(unsafe.Pointer(pool))-uintptr(holder))
}

func main() {
	without.a++
	println(uintptr(unsafe.Pointer(&without)), uintptr(0))
	whole := unsafe.Pointer(&srv)
	use(unsafe.Pointer(&plain), unsafe.Pointer(&plain), &plain)
	use(whole, whole, &srv.buffers)
	use(whole, whole, &srv.inner.deep.pool)
	use(whole, whole, &srv.shards[3].pool)
	use(whole, whole, &srv.grid[1][2])
	use(whole, whole, &srv.Pool)
	use(unsafe.Pointer(&shards), unsafe.Pointer(&shards), &shards[7].pool)
	use(unsafe.Pointer(&pools), unsafe.Pointer(&pools), &pools[2])
	use(unsafe.Pointer(&alias), unsafe.Pointer(&alias), &alias.pool)
	use(unsafe.Pointer(&behind), unsafe.Pointer(behind), &behind.inner.deep.pool)
	use(unsafe.Pointer(&direct), unsafe.Pointer(direct), direct)
	use(unsafe.Pointer(&table), unsafe.Pointer(table), &table[1].pool)
}
