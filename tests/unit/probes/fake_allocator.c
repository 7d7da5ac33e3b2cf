/* An allocator in a library of its own, for plans: named like mimalloc, with its own operator new and delete, and with a
 * large frame in front of the first instruction that is cheap to probe. Never called. */
#define FUNCTION(name, body)                                                                                          \
  __asm__(".text\n.globl " #name "\n.type " #name ", @function\n" #name ":\n" body "ret\n.size " #name ", . - " #name \
          "\n")

FUNCTION(mi_malloc, "sub $4096, %rsp\npush %rbx\nmov %rdi, %rax\npop %rbx\nadd $4096, %rsp\n");
FUNCTION(mi_realloc, "push %rbx\nmov %rdi, %rax\npop %rbx\n");
FUNCTION(mi_free, "push %rbx\npop %rbx\n");
FUNCTION(_Znwm, "push %rbx\nmov %rdi, %rax\npop %rbx\n");
FUNCTION(_ZnwmSt11align_val_t, "push %rbx\nmov %rdi, %rax\npop %rbx\n");
FUNCTION(_ZdlPv, "push %rbx\npop %rbx\n");
FUNCTION(mi_stats_print, "push %rbx\npop %rbx\n");
