"""Reads what tests/targets/counter_preload.c counts: the truth about the allocations of a real program."""

import os
import struct
from pathlib import Path
from typing import NamedTuple

MAGIC = b"PSCOUNT1"
SLOT_BYTES = 64
FIELDS = 6  # of the eight numbers of a slot


class Counts(NamedTuple):
    allocations: int
    allocated_bytes: int
    reallocations: int
    reallocated_bytes: int
    frees: int
    failed: int

    def __add__(self, other):
        return Counts(*(a + b for a, b in zip(self, other)))

    def __sub__(self, other):
        return Counts(*(a - b for a, b in zip(self, other)))


NOTHING = Counts(*[0] * FIELDS)


def environment(library, prefix, *more_preloads):
    """Environment that makes a program count into `prefix`.PID; `more_preloads` come behind the counter."""
    preload = ":".join(str(p) for p in (library, *more_preloads))
    return {**os.environ, "LD_PRELOAD": preload, "POOLSCOPE_COUNTER_FILE": str(prefix)}


def read(prefix, pid):
    """Counts of one process up to now, whether it still runs or not."""
    data = Path(f"{prefix}.{pid}").read_bytes()
    magic, slots = struct.unpack_from("=8sQ", data)
    if magic != MAGIC:
        raise ValueError(f"{prefix}.{pid} is no counter file")
    total = NOTHING
    for slot in range(1, slots + 1):
        total += Counts(*struct.unpack_from(f"={FIELDS}Q", data, slot * SLOT_BYTES))
    return total


def pids(prefix):
    """Processes that counted into `prefix`. A file is empty for a moment when it is made."""
    prefix = Path(prefix)
    return sorted(int(p.suffix[1:]) for p in prefix.parent.glob(prefix.name + ".*") if p.stat().st_size > 0)
