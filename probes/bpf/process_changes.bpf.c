// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/* Says when a process last began, ended, executed a program or changed its name, anywhere on this machine.
 *
 * Cost: some 100 ns for each of these, of threads a comparison.
 */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

__u64 last_change_ns; /* CLOCK_MONOTONIC; user space reads it where it lies */

struct task_struct {
	int pid;
	int tgid;
} __attribute__((preserve_access_index));

static __always_inline int changed(void)
{
	last_change_ns = bpf_ktime_get_ns();
	return 0;
}

static __always_inline int changed_if_process(struct bpf_raw_tracepoint_args *context, int argument)
{
	struct task_struct *task = (struct task_struct *)context->args[argument];

	return BPF_CORE_READ(task, pid) == BPF_CORE_READ(task, tgid) ? changed() : 0;
}

SEC("raw_tp/sched_process_fork")
int process_forked(struct bpf_raw_tracepoint_args *context)
{
	return changed_if_process(context, 1);
}

/* Its first thread is on its way out. */
SEC("raw_tp/sched_process_exit")
int process_ends(struct bpf_raw_tracepoint_args *context)
{
	return changed_if_process(context, 0);
}

/* /proc does not show it any more. */
SEC("raw_tp/sched_process_free")
int process_gone(struct bpf_raw_tracepoint_args *context)
{
	return changed_if_process(context, 0);
}

SEC("raw_tp/sched_process_exec")
int process_executed(void *context)
{
	(void)context;
	return changed();
}

SEC("raw_tp/task_rename")
int process_renamed(struct bpf_raw_tracepoint_args *context)
{
	return changed_if_process(context, 0);
}
