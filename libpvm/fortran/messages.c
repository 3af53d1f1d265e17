/*
 * messages.c: sending, receiving, contexts, handlers.
 */
#include "fortran.h"

void F(pvmfsend)(const int *tid, const int *tag, int *info)
{
	*info = pvm_send(*tid, *tag);
}

void F(pvmfmcast)(const int *count, int *tids, const int *tag, int *info)
{
	*info = pvm_mcast(tids, *count, *tag);
}

void F(pvmfpsend)(const int *tid, const int *tag, void *values, const int *items, const int *type, int *info)
{
	*info = pvm_psend(*tid, *tag, values, *items, *type);
}

void F(pvmfrecv)(const int *tid, const int *tag, int *mid)
{
	*mid = pvm_recv(*tid, *tag);
}

void F(pvmfnrecv)(const int *tid, const int *tag, int *mid)
{
	*mid = pvm_nrecv(*tid, *tag);
}

void F(pvmfprobe)(const int *tid, const int *tag, int *mid)
{
	*mid = pvm_probe(*tid, *tag);
}

/* Fortran has no null pointer to say "without limit": a negative number of seconds says it. */
void F(pvmftrecv)(const int *tid, const int *tag, const int *seconds, const int *microseconds, int *mid)
{
	struct timeval limit = { *seconds, *microseconds };

	*mid = pvm_trecv(*tid, *tag, *seconds < 0 ? NULL : &limit);
}

void F(pvmfprecv)(const int *tid, const int *tag, void *values, const int *items, const int *type, int *from,
		  int *got_tag, int *bytes, int *info)
{
	*info = pvm_precv(*tid, *tag, values, *items, *type, from, got_tag, bytes);
}

void F(pvmfnewcontext)(int *context)
{
	*context = pvm_newcontext();
}

void F(pvmfgetcontext)(int *context)
{
	*context = pvm_getcontext();
}

void F(pvmfsetcontext)(const int *context, int *old)
{
	*old = pvm_setcontext(*context);
}

/* As its manual has it: PVM 3.4.6 sets the context instead of freeing it. */
void F(pvmffreecontext)(const int *context, int *info)
{
	*info = pvm_freecontext(*context);
}

/*
 * The handler is called as C calls it, with the message's id by value: `integer, value :: mid` in
 * Fortran 2003. PVM 3.4.6 takes six arguments and leaves the fourth alone.
 */
void F(pvmfaddmhf)(const int *source, const int *tag, const int *context, const void *unused, int (*handler)(int mid),
		   int *id)
{
	(void)unused;
	*id = pvm_addmhf(*source, *tag, *context, handler);
}

void F(pvmfdelmhf)(const int *id, int *info)
{
	*info = pvm_delmhf(*id);
}
