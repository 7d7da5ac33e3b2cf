"""A pool of fixed size, played with the gets (g) and puts (p) that a program wrote down: the truth for a miss curve."""

# Of all gets, and at least, those that come after the start does not matter any more: kMetShare and kLeastMetGets.
LEAST_SHARE = 0.5
LEAST_GETS = 100


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


def played_curve(events, caps):
    """Miss ratio by cap, counted from where the start does not matter; of the caps for which enough gets follow."""
    curve, gets = {}, events.count("g")
    for cap in caps:
        start = met(events, cap)
        after = events[start:]
        if after.count("g") >= max(LEAST_GETS, LEAST_SHARE * gets):
            curve[cap] = misses(after, cap, idle_after(events[:start], cap)) / after.count("g")
    return curve


def assert_played(test, events, pool, delta=1e-9, in_order=True):
    """
    The curve of `pool` is that of the played pool, for every cap. Where poolscope saw the events a little out of order, a pool
    of a cap about as high as the real one ever was may meet its start in one order and not in the other.
    """
    gets = events.count("g")
    test.assertEqual(gets, pool["miss_curve_gets"])
    for bracket in pool["miss_curve_bracket"]:
        cap = bracket["max_idle_buffers"]
        test.assertAlmostEqual(misses(events, cap) / gets, bracket["high"], delta=delta, msg=f"cap {cap}")
        test.assertAlmostEqual(misses(events, cap, idle=cap) / gets, bracket["low"], delta=delta, msg=f"cap {cap}")
    played = played_curve(events, [bracket["max_idle_buffers"] for bracket in pool["miss_curve_bracket"]])
    found = dict(pool["miss_curve"])
    if in_order:
        test.assertEqual(list(played), list(found))
    both = played.keys() & found.keys()
    test.assertGreater(len(both), 3, "caps with a ratio")
    for cap in both:
        test.assertAlmostEqual(played[cap], found[cap], delta=delta, msg=f"cap {cap}")


def idle_after(events, cap, idle=0):
    for event in events:
        idle = min(idle + 1, cap) if event == "p" else max(idle - 1, 0)
    return idle
