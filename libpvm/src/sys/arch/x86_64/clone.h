/* clone.h: a thread in this process's thread group, on a stack of its own, unknown to libc. */
#ifndef PVMI_ARCH_CLONE_H
#define PVMI_ARCH_CLONE_H

/* Runs run(argument); the thread ends when that returns. *tid is its thread id, and becomes 0, with
 * a (shared) futex wake, when it has ended. stack_top is aligned to 16. The thread inherits the
 * caller's signal mask and shares its TLS register. The thread's id, or a negative errno. */
long pvmi_clone_thread(void (*run)(void *), void *argument, void *stack_top, int *tid);

#endif
