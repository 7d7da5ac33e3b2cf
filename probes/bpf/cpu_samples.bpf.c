// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/* Says where watched processes spend their CPU time, sample by sample.
 *
 * Cost per sample: one timer interrupt (a few us, 15 to 20 us in a nested virtual machine) and one hash lookup here; of a watched
 * process some 1 us more in its own code, up to 15 us in the kernel, whose stack is walked then and is cold.
 */
#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <linux/ptrace.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "probes/bpf/cpu_samples.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define KERNEL_STACK_UNKNOWN 1
#define IS_USER_MODE(cs) (((cs)&3) == 3)

/* tgid -> samples of it for which there was no room. User space adds and deletes entries, the program counts. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, CPU_SAMPLES_PROCESSES);
	__type(key, __u32);
	__type(value, __u64);
} watched SEC(".maps");

/* struct cpu_sample. User space polls: waking it would be paid by the target. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, CPU_SAMPLES_RING_BYTES);
} samples SEC(".maps");

struct kernel_stack {
	__u64 frames[CPU_SAMPLES_STACK];
};

/* Too large for the stack of a program. One timer runs at a time on a CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct kernel_stack);
} stacks SEC(".maps");

static __always_inline __u64 kernel_entry(struct bpf_perf_event_data *ctx)
{
	__u32 zero = 0;
	struct kernel_stack *stack = bpf_map_lookup_elem(&stacks, &zero);
	long bytes;
	__u32 count;

	if (!stack)
		return KERNEL_STACK_UNKNOWN;
	bytes = bpf_get_stack(ctx, stack->frames, sizeof(stack->frames), 0);
	if (bytes < (long)sizeof(__u64))
		return KERNEL_STACK_UNKNOWN;
	count = (__u32)bytes / sizeof(__u64);
	if (count >= CPU_SAMPLES_STACK)
		return KERNEL_STACK_UNKNOWN; /* it may go on */
	return stack->frames[(count - 1) & (CPU_SAMPLES_STACK - 1)];
}

SEC("perf_event")
int on_timer(struct bpf_perf_event_data *ctx)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	__u64 start = bpf_ktime_get_ns();
	__u64 *lost = bpf_map_lookup_elem(&watched, &tgid);
	struct cpu_sample *sample;

	if (!lost)
		return 0;
	sample = bpf_ringbuf_reserve(&samples, sizeof(*sample), 0);
	if (!sample) {
		__sync_fetch_and_add(lost, 1);
		return 0;
	}
	sample->tgid = tgid;
	sample->user_ip = 0;
	if (IS_USER_MODE(ctx->regs.cs)) {
		sample->user_ip = ctx->regs.rip;
		sample->kernel_entry_ip = 0;
	} else {
		sample->kernel_entry_ip = kernel_entry(ctx);
		bpf_get_stack(ctx, &sample->user_ip, sizeof(sample->user_ip), BPF_F_USER_STACK);
	}
	sample->program_ns = (__u32)(bpf_ktime_get_ns() - start);
	bpf_ringbuf_submit(sample, BPF_RB_NO_WAKEUP);
	return 0;
}
