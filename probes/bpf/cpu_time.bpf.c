// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/* CPU time of the threads of a process, up to this moment, read without interrupting any of them.
 *
 * The kernel adds to the time of a running thread at ticks and when it leaves its CPU. Since then the clock of its run queue tells, which was set
 * at the last of these: what has passed since is told by our own clock, and is not more than a tick, else that CPU stands still and its
 * hypervisor runs something else.
 *   Stolen    time is left out, as in the kernel's own sum.
 *   Exact     to some 0.05 ms for threads that are on a CPU, to the nanosecond for others.
 */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define CORE __attribute__((preserve_access_index))

struct rq {
	__u64 clock;
	__u64 clock_task; /* without interrupts and what was stolen */
} CORE;

struct cfs_rq {
	struct rq *rq;
} CORE;

struct sched_entity {
	__u64 sum_exec_runtime;
	__u64 exec_start; /* in clock_task: when sum_exec_runtime was last added to */
	struct cfs_rq *cfs_rq;
} CORE;

struct signal_struct {
	unsigned long long sum_sched_runtime; /* of threads that ended */
} CORE;

struct task_struct {
	int pid;
	int tgid;
	int on_cpu;
	struct sched_entity se;
	struct signal_struct *signal;
} CORE;

struct bpf_iter_meta {
	struct seq_file *seq;
} CORE;

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} CORE;

/* Set by user space. */
const volatile __u64 tick_ns = 4000000;

#define SLOWEST_DRIFT_SHIFT 11 /* a clock that is being set gains or loses 1 in 2000 at most */
#define TRIES 3

/* Of CLOCK_MONOTONIC over the clock of run queues, which are set now and then: the least that was seen. */
static __s64 ahead_ns;
static __u64 ahead_seen_ns;

static __always_inline __s64 run_queue_now(void)
{
	struct task_struct *self = (struct task_struct *)bpf_get_current_task_btf();
	__u64 now_ns = bpf_ktime_get_ns();
	__s64 seen_ns = now_ns - self->se.cfs_rq->rq->clock;

	if (ahead_seen_ns)
		ahead_ns += (now_ns - ahead_seen_ns) >> SLOWEST_DRIFT_SHIFT;
	if (!ahead_seen_ns || seen_ns < ahead_ns)
		ahead_ns = seen_ns;
	ahead_seen_ns = now_ns;
	return now_ns - ahead_ns;
}

static __always_inline __u64 thread_ns(const struct task_struct *task, __s64 now)
{
	__u64 sum = 0, start = 0, clock = 0;
	__s64 running = 0, since;
	int i;

	/* another CPU may add just now: then the first and the last look differ */
	for (i = 0; i < TRIES; i++) {
		sum = task->se.sum_exec_runtime;
		start = task->se.exec_start;
		if (!task->on_cpu)
			return task->se.sum_exec_runtime;
		clock = task->se.cfs_rq->rq->clock;
		running = task->se.cfs_rq->rq->clock_task - start;
		if (sum == task->se.sum_exec_runtime && clock == task->se.cfs_rq->rq->clock)
			break;
	}
	since = now - (__s64)clock;
	if (since > (__s64)tick_ns)
		since = tick_ns;
	running += since;
	return running > 0 ? sum + running : sum;
}

SEC("iter/task")
int cpu_time(struct bpf_iter__task *context)
{
	struct task_struct *task = context->task;
	__u64 ns;

	if (!task)
		return 0;
	ns = thread_ns(task, run_queue_now());
	if (task->pid == task->tgid)
		ns += task->signal->sum_sched_runtime;
	bpf_seq_write(context->meta->seq, &ns, sizeof(ns));
	return 0;
}
