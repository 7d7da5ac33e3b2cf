/* Functions of pools to plan probes for. Those whose probe point depends on their first instructions are written in
 * assembly, so that the tests know what has to come out. */
#include <stddef.h>

#define EXPORTED __attribute__((visibility("default"), noinline))
#define LOCAL __attribute__((noinline, noclone, used))

EXPORTED void* sample_get(void* pool, size_t bytes);
EXPORTED void sample_put(void* pool, void* object);
EXPORTED void sample_give_back(void* pool, void* object) __attribute__((alias("sample_put")));
EXPORTED void* sample_cloned(size_t bytes);

void* sample_get(void* pool, size_t bytes) {
  return (char*)pool + bytes;
}

void sample_put(void* pool, void* object) {
  *(void**)pool = object;
}

void* sample_cloned(size_t bytes) {
  return (void*)bytes;
}

/* What gcc calls a copy of a function for one constant argument. */
LOCAL static void clone_of_sample(void) __asm__("sample_cloned.constprop.0");
static void clone_of_sample(void) {
  __asm__ volatile("");
}

LOCAL static void sample_hidden_miss(void) {
  __asm__ volatile("");
}

__asm__(
    ".text\n"
    ".macro function name\n"
    ".globl \\name\n"
    ".type \\name, @function\n"
    "\\name:\n"
    ".endm\n"
    /* the push is emulated and comes when the second argument has moved to rax */
    "function sample_moved\n"
    "  mov %rsi, %rax\n"
    "  mov %rdi, %rsi\n"
    "  push %rbp\n"
    "  pop %rbp\n"
    "  ret\n"
    ".size sample_moved, . - sample_moved\n"
    /* the push comes when the stack has moved by 24 bytes */
    "function sample_deep\n"
    "  sub $24, %rsp\n"
    "  push %rbp\n"
    "  pop %rbp\n"
    "  add $24, %rsp\n"
    "  ret\n"
    ".size sample_deep, . - sample_deep\n"
    /* the second argument is lost before the push: only the entry will do */
    "function sample_lost\n"
    "  xor %esi, %esi\n"
    "  push %rbp\n"
    "  pop %rbp\n"
    "  ret\n"
    ".size sample_lost, . - sample_lost\n"
    /* what is left when every call goes to the copy */
    "function sample_replaced.isra.0\n"
    "  ret\n"
    ".size sample_replaced.isra.0, . - sample_replaced.isra.0\n"
    /* Sample::borrow(unsigned long) */
    "function _ZN6Sample6borrowEm\n"
    "  ret\n"
    ".size _ZN6Sample6borrowEm, . - _ZN6Sample6borrowEm\n"
    ".section .note.GNU-stack,\"\",@progbits\n"
    ".text\n");
