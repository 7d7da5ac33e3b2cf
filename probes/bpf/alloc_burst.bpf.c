// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/* Counts what a process allocates while a burst lasts, and follows the objects born in it until they die.
 *
 * Cost per hit: one trap (dear: 0.3 to 1 us) and what follows here, some 0.1 us (rate) to 0.4 us (birth and death).
 * All programs are safe to run when nothing is armed: they count the trap and leave.
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "probes/bpf/alloc_burst.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define STOP_CHECK_HITS 64 /* a CPU adds its hits to the shared sum this often */

/* slot -> what to count. User space writes the first half through the mapping, programs the second. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ALLOC_SLOTS);
	__type(key, __u32);
	__type(value, struct alloc_control);
} control SEC(".maps");

/* slot -> sums of this CPU. Programs add, user space reads after the burst and clears before the next. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ALLOC_SLOTS);
	__type(key, __u32);
	__type(value, struct alloc_counts);
} counts SEC(".maps");

/* live object -> its birth. Programs only; user space walks what is left (alive) and clears it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct birth_key);
	__type(value, struct birth);
} births SEC(".maps");

/* call site -> calls and bytes. Programs add, user space reads and clears. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct site_key);
	__type(value, struct site);
} sites SEC(".maps");

/* call site and kind -> buffers that grew. Programs add, user space reads and clears. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, struct chain_key);
	__type(value, struct chain);
} chains SEC(".maps");

/* tid -> the call in flight. Programs only; user space clears it between bursts. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct thread_state);
} threads SEC(".maps");

/* return address in an allocation wrapper -> how to reach its caller. User space writes, programs read. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct step_key);
	__type(value, struct step);
} steps SEC(".maps");

/* tgid -> code of its allocator, where several processes are traced at once. User space writes, programs read. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct alloc_code);
} code_ranges SEC(".maps");

#define add(pointer, number) __sync_fetch_and_add(pointer, number) /* a uprobe program can be preempted */

static __always_inline struct birth *births_find(const struct birth_key *key)
{
	return bpf_map_lookup_elem(&births, key);
}
static __always_inline long births_put(const struct birth_key *key, const struct birth *life)
{
	return bpf_map_update_elem(&births, key, life, BPF_ANY);
}
static __always_inline void births_erase(const struct birth_key *key)
{
	bpf_map_delete_elem(&births, key);
}
static __always_inline struct site *sites_find(const struct site_key *key)
{
	return bpf_map_lookup_elem(&sites, key);
}
static __always_inline long sites_put(const struct site_key *key, const struct site *fresh)
{
	long failed = bpf_map_update_elem(&sites, key, fresh, BPF_NOEXIST);

	return failed == -17 /* EEXIST: another CPU was first */ ? 0 : failed;
}
static __always_inline const struct step *steps_find(const struct step_key *key)
{
	return bpf_map_lookup_elem(&steps, key);
}
static __always_inline const struct alloc_code *code_ranges_find(__u32 tgid)
{
	return bpf_map_lookup_elem(&code_ranges, &tgid);
}
static __always_inline int user_read(__u64 *value, __u64 address)
{
	return bpf_probe_read_user(value, sizeof(*value), (const void *)address) != 0;
}

static const struct chain no_chain;
static const struct thread_state no_thread;

static __always_inline struct chain *chains_find_or_make(const struct chain_key *key)
{
	struct chain *chain = bpf_map_lookup_elem(&chains, key);

	if (chain)
		return chain;
	bpf_map_update_elem(&chains, key, &no_chain, BPF_NOEXIST);
	return bpf_map_lookup_elem(&chains, key);
}
static __always_inline struct thread_state *threads_find_or_make(__u32 tid)
{
	struct thread_state *thread = bpf_map_lookup_elem(&threads, &tid);

	if (thread)
		return thread;
	bpf_map_update_elem(&threads, &tid, &no_thread, BPF_NOEXIST);
	return bpf_map_lookup_elem(&threads, &tid);
}

#include "probes/bpf/alloc_logic.h"
#include "probes/bpf/registers.h"

static __always_inline void stop(struct alloc_control *control, __u32 why, __u64 now_ns)
{
	if (__sync_val_compare_and_swap(&control->stop, ALLOC_STOP_NONE, why) == ALLOC_STOP_NONE)
		control->stopped_ns = now_ns;
}

/* Adds this CPU's hits to the shared sum now and then and stops the burst at its limit. */
static __always_inline void count_towards_limit(struct alloc_control *control, struct alloc_counts *counts,
						__u64 now_ns)
{
	if (!control->hit_limit || ++counts->pending_hits < STOP_CHECK_HITS)
		return;
	counts->pending_hits = 0;
	if (__sync_fetch_and_add(&control->counted_hits, STOP_CHECK_HITS) + STOP_CHECK_HITS >= control->hit_limit)
		stop(control, ALLOC_STOP_HIT_LIMIT, now_ns);
}

/* Stops a burst whose hits take more of a CPU than was planned for: the target has become hotter. A target that is calm for long and
 * then hot is met with twice pace_charge_ns at most. */
static __always_inline void keep_pace(struct alloc_control *control, struct alloc_counts *counts, __u32 hit)
{
	__u64 now_ns;

	counts->paced_charge_ns += control->cost_ns[hit];
	if (!control->pace_charge_ns || counts->paced_charge_ns < control->pace_charge_ns)
		return;
	now_ns = bpf_ktime_get_ns();
	if (now_ns - counts->paced_since_ns < control->pace_ns)
		stop(control, ALLOC_STOP_TOO_HOT, now_ns);
	counts->paced_since_ns = now_ns;
	counts->paced_charge_ns = 0;
}

struct task_struct {
	int pid;
	int tgid;
	unsigned long nvcsw;
} __attribute__((preserve_access_index));

/* A thread that has waited has done all there was to do, and is late no more. Threads that run beside each other may overwrite what the other
 * has added: a few hits of thousands. */
static __always_inline void note_lateness(struct alloc_control *control, __u32 hit, __u32 tid)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u64 waits = BPF_CORE_READ(task, nvcsw);

	if (control->last_tid == tid && control->last_waits != waits)
		control->late_ns = 0;
	control->late_ns += control->cost_ns[hit];
	control->last_tid = tid;
	control->last_waits = waits;
}

/* Fills `call` and says whether the hit counts: same process, armed, in time, condition of the probe point true. */
static __always_inline int begin(struct pt_regs *regs, __u64 cookie, __u32 hit, struct alloc_call *call)
{
	__u32 slot = ALLOC_COOKIE_SLOT(cookie);
	__u64 tgid_tid = bpf_get_current_pid_tgid();
	struct alloc_control *control_slot = bpf_map_lookup_elem(&control, &slot);
	struct alloc_counts *counts_slot = bpf_map_lookup_elem(&counts, &slot);

	if (!control_slot || !counts_slot)
		return 0;
	add(&counts_slot->hits[hit], 1);
	keep_pace(control_slot, counts_slot, hit);
	if (!control_slot->armed || control_slot->stop)
		return 0;
	if (control_slot->tgid && control_slot->tgid != (__u32)(tgid_tid >> 32))
		return 0;
	call->now_ns = bpf_ktime_get_ns();
	if (call->now_ns >= control_slot->deadline_ns) {
		stop(control_slot, ALLOC_STOP_DEADLINE, control_slot->deadline_ns);
		return 0;
	}
	add(&counts_slot->window_hits[hit], 1);
	note_lateness(control_slot, hit, (__u32)tgid_tid);
	count_towards_limit(control_slot, counts_slot, call->now_ns);
	if (((__u32)regs->eflags & ALLOC_COOKIE_FLAGS_MASK(cookie)) != ALLOC_COOKIE_FLAGS_VALUE(cookie))
		return 0;
	call->control = control_slot;
	call->counts = counts_slot;
	call->cookie = cookie;
	call->function = ALLOC_COOKIE_FUNCTION(cookie);
	call->slot = slot;
	call->tgid = tgid_tid >> 32;
	call->tid = (__u32)tgid_tid;
	return 1;
}

static __always_inline void read_arguments(struct pt_regs *regs, __u64 cookie, struct alloc_call *call)
{
	struct registers registers;

	copy_registers(regs, &registers);
	call->stack_pointer = regs->rsp + ALLOC_COOKIE_STACK_BYTES(cookie);
	call->frame_pointer = regs->rbp;
	call->arguments[0] = registers.at[ALLOC_COOKIE_REGISTER(cookie, 0)];
	call->arguments[1] = registers.at[ALLOC_COOKIE_REGISTER(cookie, 1)];
	call->arguments[2] = registers.at[ALLOC_COOKIE_REGISTER(cookie, 2)];
	if (user_read(&call->return_address, call->stack_pointer))
		call->return_address = 0;
}

SEC("uprobe")
int rate_entry(struct pt_regs *regs)
{
	__u64 cookie = bpf_get_attach_cookie(regs);
	struct alloc_call call = {};

	if (!begin(regs, cookie, ALLOC_HIT_RATE, &call) || !(call.control->armed & ALLOC_ARMED_ALLOCATIONS))
		return 0;
	read_arguments(regs, cookie, &call);
	alloc_on_rate_entry(&call);
	return 0;
}

SEC("uprobe")
int free_entry(struct pt_regs *regs)
{
	__u64 cookie = bpf_get_attach_cookie(regs);
	struct alloc_call call = {};

	if (!begin(regs, cookie, ALLOC_HIT_FREE, &call))
		return 0;
	read_arguments(regs, cookie, &call);
	alloc_on_free(&call);
	return 0;
}

static __always_inline int life_entry(struct pt_regs *regs, __u64 cookie)
{
	struct alloc_call call = {};

	if (!begin(regs, cookie, ALLOC_HIT_ENTRY, &call))
		return 1;
	read_arguments(regs, cookie, &call);
	return alloc_on_entry(&call);
}

static __always_inline int life_return(struct pt_regs *regs, __u64 cookie)
{
	struct alloc_call call = {};

	if (!begin(regs, cookie & ~(0xffffffffull << 32) /* flags at the return mean nothing */, ALLOC_HIT_RETURN,
		   &call))
		return 0;
	call.stack_pointer = regs->rsp - 8;
	alloc_on_return(&call, regs->rax);
	return 0;
}

extern _Bool bpf_session_is_return(void) __ksym __weak;

/* Entry and return in one program; a non-zero answer at the entry saves the return trap. */
SEC("uprobe")
int life_session(struct pt_regs *regs)
{
	__u64 cookie = bpf_get_attach_cookie(regs);

	if (bpf_session_is_return()) {
		life_return(regs, cookie);
		return 0;
	}
	return life_entry(regs, cookie);
}

/* The same as two programs, for kernels without session links. */
SEC("uprobe")
int life_entry_only(struct pt_regs *regs)
{
	life_entry(regs, bpf_get_attach_cookie(regs));
	return 0;
}

SEC("uretprobe")
int life_return_only(struct pt_regs *regs)
{
	life_return(regs, bpf_get_attach_cookie(regs));
	return 0;
}

static __always_inline void stop_bursts_of(__u32 tgid, __u32 why)
{
	__u32 slot;

	for (slot = 0; slot < ALLOC_SLOTS; slot++) {
		__u32 key = slot;
		struct alloc_control *control_slot = bpf_map_lookup_elem(&control, &key);

		if (control_slot && control_slot->tgid == tgid && tgid)
			stop(control_slot, why, bpf_ktime_get_ns());
	}
}

/* A forked child inherits the breakpoints of the burst and would pay for them uncounted: end the burst. */
SEC("raw_tp/sched_process_fork")
int on_fork(struct bpf_raw_tracepoint_args *context)
{
	struct task_struct *child = (struct task_struct *)context->args[1];
	__u32 parent_tgid = bpf_get_current_pid_tgid() >> 32;

	if ((__u32)BPF_CORE_READ(child, tgid) != parent_tgid) /* a thread shares the tgid */
		stop_bursts_of(parent_tgid, ALLOC_STOP_FORK);
	return 0;
}

SEC("raw_tp/sched_process_exec")
int on_exec(void *context)
{
	(void)context;
	stop_bursts_of(bpf_get_current_pid_tgid() >> 32, ALLOC_STOP_EXEC);
	return 0;
}
