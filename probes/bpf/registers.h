#pragma once
/* Registers of a trap by number; for BPF programs. */
#include <linux/ptrace.h>

#include <bpf/bpf_helpers.h>

/* The general purpose registers in the order of their x86-64 encoding numbers, as the cookie names them. A copy, because
 * the verifier wants constant offsets into pt_regs. */
struct registers {
	__u64 at[16];
};

static __always_inline void copy_registers(const struct pt_regs *regs, struct registers *copy)
{
	volatile __u64 *at = copy->at; /* volatile: else the compiler moves the variable offset into pt_regs */

	at[0] = regs->rax;
	at[1] = regs->rcx;
	at[2] = regs->rdx;
	at[3] = regs->rbx;
	at[4] = regs->rsp;
	at[5] = regs->rbp;
	at[6] = regs->rsi;
	at[7] = regs->rdi;
	at[8] = regs->r8;
	at[9] = regs->r9;
	at[10] = regs->r10;
	at[11] = regs->r11;
	at[12] = regs->r12;
	at[13] = regs->r13;
	at[14] = regs->r14;
	at[15] = regs->r15;
}
