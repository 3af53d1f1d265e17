/*
 * clone.c: a thread that libc does not know of.
 *
 * The child begins on its own stack with nothing of the parent's frame but two registers that the
 * kernel keeps: where to go and with what.
 */
#include <linux/sched.h>

#include "clone.h"

#define FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | \
	       CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

#define IN_REGISTER __attribute__((unused))

__attribute__((naked, noinline)) long pvmi_clone_thread(void (*run)(void *) IN_REGISTER, void *argument IN_REGISTER,
							void *stack_top IN_REGISTER, int *tid IN_REGISTER)
{
	__asm__("push %%r12\n\t"
		"push %%r13\n\t"
		"mov %%rdi, %%r12\n\t"          /* run */
		"mov %%rsi, %%r13\n\t"          /* argument */
		"mov %%rdx, %%rsi\n\t"          /* stack */
		"mov %%rcx, %%rdx\n\t"          /* tid, set at once */
		"mov %%rcx, %%r10\n\t"          /* and cleared at the end */
		"mov %0, %%edi\n\t"
		"xor %%r8d, %%r8d\n\t"
		"mov $56, %%eax\n\t"            /* clone */
		"syscall\n\t"
		"test %%rax, %%rax\n\t"
		"jz 1f\n\t"
		"pop %%r13\n\t"
		"pop %%r12\n\t"
		"ret\n\t"
		"1:\n\t"
		"xor %%ebp, %%ebp\n\t"
		"mov %%r13, %%rdi\n\t"
		"call *%%r12\n\t"
		"xor %%edi, %%edi\n\t"
		"mov $60, %%eax\n\t"            /* exit: this thread only */
		"syscall\n\t"
		"hlt\n\t"
		:
		: "i"(FLAGS));
}
