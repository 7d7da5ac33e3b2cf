/* What cpu_samples.bpf.c and the collector cpu_share say to each other. Plain C, for BPF and for user space.
 *
 * A timer of every CPU asks what runs there. Of processes that are watched the program hands out where they were; what that
 * place is, user space knows.
 */
#pragma once

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define CPU_SAMPLES_PROCESSES 16384	  /* watched at once */
#define CPU_SAMPLES_RING_BYTES (1u << 20) /* some 32 000 samples: 20 s of 32 busy CPUs at 49 Hz */
#define CPU_SAMPLES_STACK 64		  /* frames of the kernel that are looked through at most */

/* One entry of ring buffer `samples`. BPF writes every member. */
struct cpu_sample {
	__u32 tgid;
	__u32 program_ns; /* what the program took until then */
	__u64 user_ip;	  /* where the thread was in its own code, or left it for the kernel; 0: not to be had */
	/* The outermost function of the kernel below the timer: return address into the code that entered the kernel. 0: the thread
	 * ran its own code; 1: in the kernel, and the stack cannot be walked that far. */
	__u64 kernel_entry_ip;
};
