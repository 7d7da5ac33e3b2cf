// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/* Copies the books of Go's garbage collector at the end of every cycle.
 *
 * Cost per hit: one trap (0.3 to 1 us) and some 0.5 us of copying here; every 100 ms another 0.5 us. The program stands still
 * meanwhile: it is part of the pause.
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "probes/bpf/go_gc.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* tgid -> where its runtime keeps what is copied. User space adds and deletes, the program counts in it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GO_GC_PROCESSES);
	__type(key, __u32);
	__type(value, struct go_gc_plan);
} plans SEC(".maps");

/* go_gc_cycle and go_gc_heap. User space polls: waking it would be paid by the program in its pause. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, GO_GC_RING_BYTES);
} events SEC(".maps");

#define add(pointer, number) __sync_fetch_and_add(pointer, number) /* a forked child may still share the plan */

static __always_inline void fill(struct go_gc_event *event, __u32 kind, __u32 tgid, __u64 now)
{
	event->kind = kind;
	event->tgid = tgid;
	event->time_ns = now;
}

static __always_inline void copy_words(const struct go_gc_plan *plan, __u32 tgid, __u64 now)
{
	struct go_gc_cycle *cycle = bpf_ringbuf_reserve(&events, sizeof(*cycle), 0);
	__u64 missing = 0;

	if (!cycle)
		return; /* the next number of cycles shows the gap */
	fill(&cycle->event, GO_GC_EVENT_CYCLE, tgid, now);
#pragma unroll
	for (int i = 0; i < GO_GC_WORDS; i++) {
		__u64 address = plan->word_addresses[i];

		cycle->words[i] = 0;
		if (!address || bpf_probe_read_user(&cycle->words[i], sizeof(cycle->words[i]), (const void *)address))
			missing |= 1ull << i;
	}
	cycle->missing = missing;
	bpf_ringbuf_submit(cycle, BPF_RB_NO_WAKEUP);
}

static __always_inline void copy_heap(const struct go_gc_plan *plan, __u32 tgid, __u64 now)
{
	struct go_gc_heap *heap = bpf_ringbuf_reserve(&events, sizeof(*heap), 0);
	__u64 bytes = plan->heap_bytes;

	if (!heap)
		return; /* the sums of the cycle are in its own event; the next heap event makes up for this one */
	if (bytes > sizeof(heap->data))
		bytes = sizeof(heap->data);
	fill(&heap->event, GO_GC_EVENT_HEAP, tgid, now);
	heap->bytes = bpf_probe_read_user(heap->data, bytes, (const void *)plan->heap_address) ? 0 : bytes;
	bpf_ringbuf_submit(heap, BPF_RB_NO_WAKEUP);
}

SEC("uprobe")
int cycle_end(struct pt_regs *ctx)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct go_gc_plan *plan = bpf_map_lookup_elem(&plans, &tgid);
	__u64 now = bpf_ktime_get_ns();

	(void)ctx;
	if (!plan)
		return 0; /* a forked child of a watched process */
	copy_words(plan, tgid, now);
	if (plan->heap_address && now - plan->last_heap_ns >= GO_GC_HEAP_INTERVAL_NS) {
		plan->last_heap_ns = now;
		copy_heap(plan, tgid, now);
	}
	add(&plan->hits, 1);
	add(&plan->copy_ns, bpf_ktime_get_ns() - now);
	return 0;
}
