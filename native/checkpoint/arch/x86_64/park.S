/* Saving and resuming a thread at a function call. Layout: struct ckpt_registers in arch.h. */
	.text

	.globl ckpt_arch_save
	.hidden ckpt_arch_save
	.type ckpt_arch_save, @function
ckpt_arch_save:
	movq	%rbx, 0(%rdi)
	movq	%rbp, 8(%rdi)
	movq	%r12, 16(%rdi)
	movq	%r13, 24(%rdi)
	movq	%r14, 32(%rdi)
	movq	%r15, 40(%rdi)
	movq	$0, 48(%rdi)
	stmxcsr	48(%rdi)
	fnstcw	52(%rdi)
	leaq	8(%rsp), %rax		/* as it is after our return */
	movq	%rax, 56(%rdi)
	movq	(%rsp), %rax
	movq	%rax, 64(%rdi)
	xorl	%eax, %eax
	ret
	.size ckpt_arch_save, .-ckpt_arch_save

	.globl ckpt_arch_resume
	.hidden ckpt_arch_resume
	.type ckpt_arch_resume, @function
ckpt_arch_resume:
	movq	0(%rdi), %rbx
	movq	8(%rdi), %rbp
	movq	16(%rdi), %r12
	movq	24(%rdi), %r13
	movq	32(%rdi), %r14
	movq	40(%rdi), %r15
	ldmxcsr	48(%rdi)
	fldcw	52(%rdi)
	movq	56(%rdi), %rsp
	movq	64(%rdi), %rdx
	cld
	movl	$1, %eax
	jmp	*%rdx
	.size ckpt_arch_resume, .-ckpt_arch_resume

	.section .note.GNU-stack, "", @progbits
