"""A pool of fixed size, played with the gets (g) and puts (p) that a program wrote down: the truth for a miss curve."""


def misses(events, cap, idle=0):
    missed = 0
    for event in events:
        if event == "p":
            idle = min(idle + 1, cap)
        elif idle == 0:
            missed += 1
        else:
            idle -= 1
    return missed


def met(events, cap):
    """How many events it takes until it does not matter what was idle at the start."""
    low, high = 0, cap
    for position, event in enumerate(events):
        if low == high:
            return position
        step = 1 if event == "p" else -1
        low, high = (min(max(idle + step, 0), cap) for idle in (low, high))
    return len(events)


def assert_played(test, events, pool, delta=1e-9):
    """The curve of `pool` is that of the played pool, for every cap."""
    gets = events.count("g")
    test.assertEqual(gets, pool["miss_curve_gets"])
    test.assertGreater(len(pool["miss_curve"]), 3, "caps with a ratio")
    for bracket in pool["miss_curve_bracket"]:
        cap = bracket["max_idle_buffers"]
        test.assertAlmostEqual(misses(events, cap) / gets, bracket["high"], delta=delta, msg=f"cap {cap}")
        test.assertAlmostEqual(misses(events, cap, idle=cap) / gets, bracket["low"], delta=delta, msg=f"cap {cap}")
    for cap, ratio in pool["miss_curve"]:
        start = met(events, cap)
        after = events[start:]
        idle = idle_after(events[:start], cap)
        test.assertAlmostEqual(misses(after, cap, idle) / after.count("g"), ratio, delta=delta, msg=f"cap {cap}")


def idle_after(events, cap, idle=0):
    for event in events:
        idle = min(idle + 1, cap) if event == "p" else max(idle - 1, 0)
    return idle
