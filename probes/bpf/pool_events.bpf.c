// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
/* Counts gets, puts and misses of pools that know nothing of it: Go's sync.Pool, and functions named in the configuration.
 *
 * Cost per hit: one trap and some 0.1 us (miss) to 0.4 us (put of a buffer that is followed).
 * Safe to run when nothing is armed: a hit is counted as a trap and left.
 */
#include <linux/bpf.h>
#include <linux/ptrace.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "probes/bpf/pool_events.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* slot -> what to count. User space writes the first part through the mapping, programs the second. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, POOL_SLOTS);
	__type(key, __u32);
	__type(value, struct pool_control);
} pool_controls SEC(".maps");

/* point of a cookie -> what it tells and where. User space writes, programs read. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, POOL_POINTS);
	__type(key, __u32);
	__type(value, struct pool_point);
} points SEC(".maps");

/* pool of a slot -> its sums. Programs add, user space reads and, when the slot is given back, deletes. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2048);
	__type(key, struct pool_key);
	__type(value, struct pool_sums);
} pool_sums SEC(".maps");

/* type of a process -> where length and capacity are. User space writes and deletes, programs read. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct pool_type_key);
	__type(value, struct pool_element);
} pool_elements SEC(".maps");

/* object -> when it was taken or put back. Programs write; user space walks and clears it after the burst. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct pool_object_key);
	__type(value, struct pool_object);
} pool_objects SEC(".maps");

#define add(pointer, number) __sync_fetch_and_add(pointer, number) /* a uprobe program can be preempted */

static const struct pool_sums no_sums;

static __always_inline struct pool_sums *pool_sums_find_or_make(const struct pool_key *key)
{
	struct pool_sums *sums = bpf_map_lookup_elem(&pool_sums, key);

	if (sums)
		return sums;
	bpf_map_update_elem(&pool_sums, key, &no_sums, BPF_NOEXIST);
	return bpf_map_lookup_elem(&pool_sums, key);
}
static __always_inline const struct pool_element *pool_elements_find(const struct pool_type_key *key)
{
	return bpf_map_lookup_elem(&pool_elements, key);
}
static __always_inline struct pool_object *pool_objects_find(const struct pool_object_key *key)
{
	return bpf_map_lookup_elem(&pool_objects, key);
}
static __always_inline long pool_objects_put(const struct pool_object_key *key, const struct pool_object *object)
{
	return bpf_map_update_elem(&pool_objects, key, object, BPF_ANY);
}
static __always_inline int user_read(__u64 *value, __u64 address)
{
	return bpf_probe_read_user(value, sizeof(*value), (const void *)address) != 0;
}

#include "probes/bpf/pool_logic.h"
#include "probes/bpf/registers.h"

static __always_inline void stop(struct pool_control *control, __u32 why, __u64 now_ns)
{
	if (__sync_val_compare_and_swap(&control->stop, POOL_STOP_NONE, why) == POOL_STOP_NONE)
		control->stopped_ns = now_ns;
}

static __always_inline __u64 value_of(const struct pool_value *value, const struct registers *registers)
{
	__u64 result = 0;

	if (value->place == POOL_PLACE_REGISTER)
		return registers->at[value->number & 15];
	if (value->place == POOL_PLACE_STACK && user_read(&result, registers->at[4] + value->offset))
		return 0;
	return result;
}

/* Does the hit count: armed, in time, within the limit, of the process that is watched? */
static __always_inline int counts_now(struct pool_control *control, const struct pool_point *point, __u64 now_ns)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	if (control->tgid && control->tgid != tgid)
		return 0;
	if (!control->armed || control->stop)
		return 0;
	if (control->deadline_ns && now_ns >= control->deadline_ns) {
		stop(control, POOL_STOP_DEADLINE, control->deadline_ns);
		return 0;
	}
	add(&control->window_charge_ns, point->cost_ns);
	if (control->hit_limit && add(&control->window_hits, 1) + 1 >= control->hit_limit)
		stop(control, POOL_STOP_HIT_LIMIT, now_ns);
	else if (!control->hit_limit)
		add(&control->window_hits, 1);
	return 1;
}

SEC("uprobe")
int pool_hit(struct pt_regs *regs)
{
	__u64 cookie = bpf_get_attach_cookie(regs);
	__u32 slot = POOL_COOKIE_SLOT(cookie), index = POOL_COOKIE_POINT(cookie);
	struct pool_control *control = bpf_map_lookup_elem(&pool_controls, &slot);
	const struct pool_point *point = bpf_map_lookup_elem(&points, &index);
	struct pool_event event = {};
	struct registers registers;

	if (!control || !point)
		return 0;
	add(&control->hits, 1);
	add(&control->charge_ns, point->cost_ns);
	event.now_ns = bpf_ktime_get_ns();
	if (!counts_now(control, point, event.now_ns))
		return 0;
	event.flags = regs->eflags;
	if (!pool_flags_match(event.flags, point->flags_mask, point->flags_value))
		return 0;
	copy_registers(regs, &registers);
	event.control = control;
	event.point = point;
	event.slot = slot;
	event.tgid = bpf_get_current_pid_tgid() >> 32;
	event.pool = value_of(&point->pool, &registers);
	event.object = value_of(&point->object, &registers);
	event.type = value_of(&point->type, &registers);
	event.size = value_of(&point->size, &registers);
	pool_on_event(&event);
	return 0;
}

/* State of the walk over the pools whose victims a cleanup drops. */
struct victims {
	struct pool_control *control;
	__u64 pools; /* address of the array of *sync.Pool */
	__u64 pool;
	__u64 locals;
	__u64 objects;
	__u32 slot;
	__u32 reserved;
};

static long count_local(__u32 index, struct victims *victims)
{
	victims->objects += pool_objects_of_local(victims->locals + (__u64)index * GO_POOL_LOCAL_BYTES);
	return 0;
}

static long count_victims(__u32 index, struct victims *victims)
{
	struct pool_key key = {};
	struct pool_sums *sums;
	__u64 size = 0;

	if (user_read(&victims->pool, victims->pools + 8ull * index) || !victims->pool ||
	    user_read(&victims->locals, victims->pool + GO_POOL_VICTIM) ||
	    user_read(&size, victims->pool + GO_POOL_VICTIM_SIZE)) {
		add(&victims->control->dropped_reads, 1);
		return 0;
	}
	if (!victims->locals)
		return 0;
	victims->objects = 0;
	bpf_loop(size < GO_MAX_LOCALS ? size : GO_MAX_LOCALS, count_local, victims, 0);
	if (!victims->objects)
		return 0;
	key.pool = victims->pool;
	key.slot = victims->slot;
	sums = pool_sums_find_or_make(&key);
	if (sums)
		add(&sums->thrown_away, victims->objects);
	else
		add(&victims->control->dropped_pools, 1);
	return 0;
}

/* Go: the world is stopped and sync.poolCleanup drops what is in sync.oldPools. */
SEC("uprobe")
int pool_cleanup(struct pt_regs *regs)
{
	__u64 cookie = bpf_get_attach_cookie(regs);
	__u32 slot = POOL_COOKIE_SLOT(cookie), index = POOL_COOKIE_POINT(cookie);
	struct pool_control *control = bpf_map_lookup_elem(&pool_controls, &slot);
	const struct pool_point *point = bpf_map_lookup_elem(&points, &index);
	struct victims victims = {};
	__u64 count = 0;

	if (!control || !point)
		return 0;
	add(&control->hits, 1);
	add(&control->charge_ns, point->cost_ns);
	if (!counts_now(control, point, bpf_ktime_get_ns()))
		return 0;
	add(&control->collections, 1);
	if (!control->old_pools || user_read(&victims.pools, control->old_pools) ||
	    user_read(&count, control->old_pools + 8))
		return 0;
	victims.control = control;
	victims.slot = slot;
	bpf_loop(count < GO_MAX_OLD_POOLS ? count : GO_MAX_OLD_POOLS, count_victims, &victims, 0);
	return 0;
}

struct task_struct {
	int pid;
	int tgid;
} __attribute__((preserve_access_index));

struct stopped_process {
	__u32 tgid;
	__u32 why;
};

static long stop_slot(__u32 slot, struct stopped_process *process)
{
	struct pool_control *control = bpf_map_lookup_elem(&pool_controls, &slot);

	if (control && control->tgid == process->tgid && control->deadline_ns)
		stop(control, process->why, bpf_ktime_get_ns());
	return 0;
}

/* A forked child inherits the breakpoints of a burst and would pay for them uncounted: end the burst. Watches go on: their
 * probes are rare. */
SEC("raw_tp/sched_process_fork")
int on_pool_fork(struct bpf_raw_tracepoint_args *context)
{
	struct task_struct *child = (struct task_struct *)context->args[1];
	struct stopped_process process = {bpf_get_current_pid_tgid() >> 32, POOL_STOP_FORK};

	if ((__u32)BPF_CORE_READ(child, tgid) != process.tgid)
		bpf_loop(POOL_SLOTS, stop_slot, &process, 0);
	return 0;
}
