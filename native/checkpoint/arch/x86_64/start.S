/* The restorer begins: off the kernel's stack, onto its own, inside its zone. */
	.text
	.globl _start
	.type _start, @function
_start:
	xorl	%ebp, %ebp
	movq	%rsp, %rdi		/* argc, argv ... */
	leaq	restorer_stack_top(%rip), %rsp
	andq	$-16, %rsp
	call	restorer_main
	hlt
	.size _start, .-_start
	.section .note.GNU-stack, "", @progbits
