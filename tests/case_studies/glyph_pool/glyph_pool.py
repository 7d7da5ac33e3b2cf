#!/usr/bin/env python3
"""The case study glyph_pool in Python: buffers of 4 KiB of which a pool keeps 16 to 128, and an encoder that uses ten for each document.

  glyph_pool.py --measure SECONDS ROUNDS   what case_glyph_pool prints, for this pool
  glyph_pool.py --serve                    until SIGTERM: encodes, one document after the other; the pool publishes its counts
"""

import gc
import json
import pathlib
import random
import signal
import statistics
import sys
import time
import tracemalloc

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "examples"))
from foreign_pool import StatsPage  # noqa: E402: found through the path above

BUFFER_BYTES, PARAGRAPHS, HELD_AT_ONCE = 4096, 10, 1000
BEFORE, AFTER, SIZES = 32, 16, (16, 32, 64, 128)
EXHAUSTED, OVERFLOW = 1, -1


class GlyphBufferPool:
    """Buffers by index. What is more than the pool has comes from the heap and goes back there (index OVERFLOW)."""

    GROW_ABOVE, SHRINK_BELOW, LEAST, MOST = 0.05, 0.01, 16, 128

    def __init__(self, size, counts=None):
        self.buffers = [bytearray(BUFFER_BYTES) for _ in range(size)]
        self.available = list(range(size))
        self.gets = self.puts = self.overflows = self.resizes = 0
        self.gets_at_resize = self.overflows_at_resize = 0
        self.counts = counts
        if counts:
            counts.created = size

    @property
    def size(self):
        return len(self.buffers)

    def acquire(self):
        self.gets += 1
        if self.counts:
            self.counts.gets = self.gets
        if self.available:
            index = self.available.pop()
            return index, self.buffers[index]
        self.overflows += 1
        if self.counts:
            self.counts.misses[EXHAUSTED] = self.overflows
            self.counts.created += 1
        return OVERFLOW, bytearray(BUFFER_BYTES)

    def release(self, index):
        self.puts += 1
        if index != OVERFLOW:
            self.available.append(index)
        if self.counts:
            self.counts.puts = self.puts
            if index == OVERFLOW:
                self.counts.destroyed += 1

    def suggested_size(self):
        """By the share of gets that overflowed since the size changed last."""
        gets, overflows = self.gets - self.gets_at_resize, self.overflows - self.overflows_at_resize
        if gets and overflows / gets > self.GROW_ABOVE:
            return min(int(self.size * 1.5), self.MOST)
        if gets and overflows / gets < self.SHRINK_BELOW:
            return min(self.size, max(int(self.size * 0.75), self.LEAST))
        return self.size

    def adapt(self):
        """With all buffers back."""
        wanted = self.suggested_size()
        if wanted == self.size:
            return
        if self.counts:
            self.counts.created += max(0, wanted - self.size)
            self.counts.destroyed += max(0, self.size - wanted)
        self.buffers = [self.buffers[i] if i < self.size else bytearray(BUFFER_BYTES) for i in range(wanted)]
        self.available = list(range(wanted))
        self.resizes += 1
        self.gets_at_resize, self.overflows_at_resize = self.gets, self.overflows


# ---- encoding -------------------------------------------------------------------------------------------------------------


def make_document(seed, words_in_a_paragraph=400):
    chance = random.Random(seed)
    words = ["".join(chance.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(2 + int(chance.expovariate(0.4)))) for _ in range(3000)]
    return [[words[int(chance.expovariate(0.004)) % len(words)] for _ in range(words_in_a_paragraph)] for _ in range(PARAGRAPHS)]


def encode(document, buffers):
    """A known word becomes two bytes, a new one its letters; how many bytes."""
    known, total = {}, 0
    for paragraph, buffer in zip(document, buffers):
        at = 0
        for word in paragraph:
            glyph = known.setdefault(word, len(known))
            if glyph == len(known) - 1:
                buffer[at] = len(word)
                buffer[at + 1:at + 1 + len(word)] = word.encode()
                at += 1 + len(word)
            else:
                buffer[at], buffer[at + 1] = glyph >> 8 | 0x80, glyph & 0xFF
                at += 2
        total += at
    return total


def encode_from_heap(document):
    return encode(document, [bytearray(BUFFER_BYTES) for _ in document])


def encode_from_pool(document, pool):
    held = [pool.acquire() for _ in document]
    total = encode(document, [buffer for _, buffer in held])
    for index, _ in held:
        pool.release(index)
    return total


# ---- measuring ------------------------------------------------------------------------------------------------------------


def ns_per_call(work, seconds):
    calls, start = 0, time.perf_counter_ns()
    while (taken := time.perf_counter_ns() - start) < seconds * 1e9 or not calls:
        for _ in range(20):
            work()
        calls += 20
    return taken / calls


def get_and_put(pool):
    index, _ = pool.acquire()
    pool.release(index)


def time_many(size):
    """Nanoseconds of an acquire and of a release where a thousand are out at once."""
    pool, acquiring, releasing = GlyphBufferPool(size), [], []
    for _ in range(9):
        start = time.perf_counter_ns()
        held = [pool.acquire() for _ in range(HELD_AT_ONCE)]
        full = time.perf_counter_ns()
        for index, _ in held:
            pool.release(index)
        releasing.append((time.perf_counter_ns() - full) / HELD_AT_ONCE)
        acquiring.append((full - start) / HELD_AT_ONCE)
    return statistics.median(acquiring), statistics.median(releasing)


def peak_kib(size):
    """What is allocated beside the pool while a thousand are out."""
    pool = GlyphBufferPool(size)
    tracemalloc.start()
    held = [pool.acquire() for _ in range(HELD_AT_ONCE)]
    peak = tracemalloc.get_traced_memory()[1] / 1024
    tracemalloc.stop()
    del held
    return peak


def adapted(size, held_at_once):
    """The pool after a thousand documents, looked at after each hundred."""
    pool = GlyphBufferPool(size)
    for document in range(1, 1001):
        for index, _ in [pool.acquire() for _ in range(held_at_once)]:
            pool.release(index)
        if document % 100 == 0:
            pool.adapt()
    return pool


def overhead_percent(document, get_buffers, encode_one):
    of_buffers = min(ns_per_call(get_buffers, 0) for _ in range(9))
    return 100 * of_buffers / min(ns_per_call(lambda: encode_one(document), 0) for _ in range(3))


def figures(document):
    before, after = {size: time_many(BEFORE) for size in SIZES}, {size: time_many(size) for size in SIZES}
    found = {}
    for size in SIZES:
        found[f"acquire_ns/{size}"] = {"baseline": before[size][0], "pooled": after[size][0]}
        found[f"release_ns/{size}"] = {"baseline": before[size][1], "pooled": after[size][1]}
        found[f"peak_kib/{size}"] = {"baseline": peak_kib(BEFORE), "pooled": peak_kib(size)}
    pool, shrunk = GlyphBufferPool(AFTER), adapted(BEFORE, PARAGRAPHS)
    found["pool_kib"] = {"baseline": BEFORE * BUFFER_BYTES / 1024, "pooled": sum(map(len, shrunk.buffers)) / 1024}
    found["overhead_percent"] = {
        "baseline": overhead_percent(document, lambda: [bytearray(BUFFER_BYTES) for _ in range(PARAGRAPHS)], encode_from_heap),
        "pooled": overhead_percent(document, lambda: [pool.release(i) for i, _ in [pool.acquire() for _ in range(PARAGRAPHS)]],
                                   lambda d: encode_from_pool(d, pool))}
    letters = sum(len(word) + 1 for paragraph in document for word in paragraph)
    found["compression"] = {"baseline": letters / encode_from_heap(document), "pooled": letters / encode_from_pool(document, pool)}
    found["never_released"] = {"baseline": 0, "pooled": pool.gets - pool.puts}
    found["adapted_buffers"] = {"baseline": BEFORE, "pooled": shrunk.size}
    return found | {"grown_buffers": {"baseline": AFTER, "pooled": next_size(AFTER)}}


def next_size(size):
    """Where one get in ten finds all buffers out."""
    pool = GlyphBufferPool(size)
    for index, _ in [pool.acquire() for _ in range(size + 2)]:
        pool.release(index)
    return pool.suggested_size()


def measure(seconds, rounds):
    document, pool = make_document(1), GlyphBufferPool(AFTER)
    rows = {"get_and_put": (lambda: bytearray(BUFFER_BYTES), lambda: get_and_put(pool)),
            "encode": (lambda: encode_from_heap(document), lambda: encode_from_pool(document, pool))}
    found = {name: {"baseline": {"ns": []}, "pooled": {"ns": []}} for name in rows}
    for _ in range(rounds):
        for name, sides in rows.items():
            for side, work in zip(("baseline", "pooled"), sides):
                found[name][side]["ns"].append(ns_per_call(work, seconds))
    gc.collect()
    print(json.dumps({"rows": found, "figures": figures(document)}))


def serve():
    document = make_document(1)
    page = StatsPage("glyph_pool.py")
    pool = GlyphBufferPool(BEFORE, page.add_pool("glyphs", buffer_bytes=BUFFER_BYTES, max_borrowed_buffers=BEFORE))
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    while not stopping:
        encode_from_pool(document, pool)
        time.sleep(0.001)
    print(json.dumps({"gets": pool.gets, "puts": pool.puts, "overflows": pool.overflows}))


def main():
    if sys.argv[1:2] == ["--measure"] and len(sys.argv) == 4:
        measure(float(sys.argv[2]), int(sys.argv[3]))
    elif sys.argv[1:] == ["--serve"]:
        serve()
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
