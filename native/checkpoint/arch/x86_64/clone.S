/*
 * long ckpt_arch_clone(unsigned long flags, void *stack_top, uint32_t *tid,
 *                      void (*entry)(void *), void *argument)
 * A thread on a stack of its own; entry does not return. The result is the kernel's.
 */
	.text
	.globl ckpt_arch_clone
	.hidden ckpt_arch_clone
	.type ckpt_arch_clone, @function
ckpt_arch_clone:
	movq	%rcx, %r9		/* the child's registers are the parent's: keep them for it */
	movl	$56, %eax		/* clone(flags, stack, parent_tid, child_tid, tls) */
	movq	%r8, -8(%rsi)
	xorl	%r10d, %r10d
	xorl	%r8d, %r8d
	syscall
	testq	%rax, %rax
	jz	1f
	ret
1:	xorl	%ebp, %ebp
	movq	-8(%rsp), %rdi
	andq	$-16, %rsp
	subq	$16, %rsp
	call	*%r9
	hlt
	.size ckpt_arch_clone, .-ckpt_arch_clone
	.section .note.GNU-stack, "", @progbits
