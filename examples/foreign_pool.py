#!/usr/bin/env python3
"""A pool in Python that publishes its counts, with nothing but the standard library: the layout is that of poolscope/stats_page.h, version 1.
Waits for its standard input to end."""

import ctypes
import fcntl
import mmap
import os
import sys
import time

U32, U64 = ctypes.c_uint32, ctypes.c_uint64
PAGE_BYTES, POOLS_OFFSET, BLOCKS_OFFSET = 65536, 4096, 32768
KNOWN_GETS, KNOWN_PUTS, KNOWN_MISSES, KNOWN_DISCARDS, KNOWN_OBJECTS = (1 << bit for bit in range(5))
NO_LIMIT = 2**64 - 1


class Header(ctypes.Structure):
    _fields_ = [("magic", U64), ("version", U32), ("header_bytes", U32), ("pool_bytes", U32), ("block_bytes", U32),
                ("pools_offset", U32), ("blocks_offset", U32), ("pool_capacity", U32), ("block_capacity", U32),
                ("pools_used", U32), ("blocks_used", U32), ("page_bytes", U64), ("pid", U64), ("start_ticks", U64),
                ("mark_interval_ns", U64), ("refused_pools", U64), ("refused_blocks", U64), ("writer", ctypes.c_char * 64)]


class Pool(ctypes.Structure):
    _fields_ = [("sequence", U64), ("state", U64), ("known", U64), ("name", ctypes.c_char * 96), ("kind", ctypes.c_char * 32),
                ("element", ctypes.c_char * 64), ("created_ns", U64), ("ended_ns", U64), ("buffer_bytes", U64),
                ("max_idle_buffers", U64), ("max_borrowed_buffers", U64), ("max_retained_bytes", U64),
                ("cleanup_interval_ns", U64), ("resizes_up", U64), ("resizes_down", U64), ("objects_at_start", U64),
                ("borrowed_at_start", U64), ("sample_one_in", U64), ("rest", U64 * (12800 // 8 - 39))]


class Block(ctypes.Structure):
    _fields_ = [("pool_sequence", U64), ("pool_index", U64), ("waiting", U64), ("gets", U64), ("puts", U64),
                ("gets_failed", U64), ("created", U64), ("destroyed", U64), ("regrowths", U64), ("misses", U64 * 4),
                ("discards", U64 * 8), ("cached", U64), ("bases", U64 * 6), ("reserved", U64 * 4)]


class StatsPage:
    """One page with room for one pool and one block."""

    def __init__(self, writer):
        fd = os.memfd_create("poolscope-stats", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(fd, PAGE_BYTES)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        self.memory = mmap.mmap(fd, PAGE_BYTES)  # keeps a descriptor of its own
        os.close(fd)
        with open("/proc/self/stat", encoding="ascii", errors="replace") as stat:
            start_ticks = int(stat.read().rpartition(")")[2].split()[19])
        self.header = Header.from_buffer(self.memory)
        self.header.version, self.header.header_bytes = 1, ctypes.sizeof(Header)
        self.header.pool_bytes, self.header.block_bytes = ctypes.sizeof(Pool), ctypes.sizeof(Block)
        self.header.pools_offset, self.header.blocks_offset = POOLS_OFFSET, BLOCKS_OFFSET
        self.header.pool_capacity = self.header.block_capacity = 1
        self.header.page_bytes, self.header.pid, self.header.start_ticks = PAGE_BYTES, os.getpid(), start_ticks
        self.header.writer = writer.encode()
        self.header.magic = int.from_bytes(b"statpage"[::-1], "big")  # last: now it is ready

    def add_pool(self, name, **limits):
        pool, block = Pool.from_buffer(self.memory, POOLS_OFFSET), Block.from_buffer(self.memory, BLOCKS_OFFSET)
        pool.state, pool.name, pool.kind, pool.created_ns = 1, name.encode(), b"published", time.monotonic_ns()
        pool.known = KNOWN_GETS | KNOWN_PUTS | KNOWN_MISSES | KNOWN_DISCARDS | KNOWN_OBJECTS
        pool.sample_one_in, pool.max_borrowed_buffers = 1, NO_LIMIT
        for limit, value in limits.items():
            setattr(pool, limit, value)
        block.pool_sequence = pool.sequence = 2  # even: complete
        self.header.pools_used = self.header.blocks_used = 1
        return block


class ConnectionPool:
    """What the service has: a list of idle connections. Counting is an assignment of an aligned word, which is never seen in halves."""

    MAX_IDLE, EMPTY, FULL = 4, 0, 0

    def __init__(self, page):
        self.idle = []
        self.counts = page.add_pool("example.connections", max_idle_buffers=self.MAX_IDLE)

    def get(self):
        self.counts.gets += 1
        if self.idle:
            return self.idle.pop()
        self.counts.misses[self.EMPTY] += 1
        self.counts.created += 1
        return object()

    def put(self, connection):
        self.counts.puts += 1
        if len(self.idle) < self.MAX_IDLE:
            self.idle.append(connection)
            return
        self.counts.discards[self.FULL] += 1
        self.counts.destroyed += 1


def main():
    pool = ConnectionPool(StatsPage("foreign_pool.py"))
    for _ in range(5):
        connections = [pool.get() for _ in range(6)]
        for connection in connections:
            pool.put(connection)
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
