/*
 * lists.c: what C gets as one array Fortran gets row by row: each call hands out the next row, and
 * the call after the last row asks anew. A count of -1 on the way in begins from the start. Every
 * argument that is handed out may be absent.
 */
#include "fortran.h"

static struct {
	struct pvmhostinfo *rows;
	int count, next, architectures;
} hosts;

static struct {
	struct pvmtaskinfo *rows;
	int count, next;
} tasks;

static struct {
	struct pvmmboxinfo *rows;
	int count, next;
} classes;

static void give(int *to, int value)
{
	if (to)
		*to = value;
}

static void give_text(char *to, int length, const char *text)
{
	if (to)
		ctofstr(to, length, text);
}

/* info is 1 for a row. */
void F(pvmfconfig)(int *count, int *architectures, int *tid, char *name, char *arch, int *speed, int *info,
		   int name_length, int arch_length)
{
	const struct pvmhostinfo *row;
	int result;

	if (hosts.next >= hosts.count || (count && *count == -1)) {
		hosts.count = hosts.next = 0;
		result = pvm_config(&hosts.count, &hosts.architectures, &hosts.rows);
		if (result < 0 || hosts.count < 1) {
			hosts.count = 0;
			*info = result;
			return;
		}
	}
	row = &hosts.rows[hosts.next++];
	give(count, hosts.count);
	give(architectures, hosts.architectures);
	give(tid, row->hi_tid);
	give_text(name, name_length, row->hi_name);
	give_text(arch, arch_length, row->hi_arch);
	give(speed, row->hi_speed);
	*info = 1;
}

/* info is 1 for a row, and PvmOk, with a count of 0, when there is none. */
void F(pvmftasks)(const int *where, int *count, int *tid, int *parent, int *host, int *flags, char *program, int *info,
		  int program_length)
{
	const struct pvmtaskinfo *row;
	int result;

	if (tasks.next >= tasks.count || (count && *count == -1)) {
		tasks.count = tasks.next = 0;
		result = pvm_tasks(*where, &tasks.count, &tasks.rows);
		if (result < 0 || tasks.count < 1) {
			if (result >= 0)
				give(count, 0);
			tasks.count = 0;
			*info = result;
			return;
		}
	}
	row = &tasks.rows[tasks.next++];
	give(count, tasks.count);
	give(tid, row->ti_tid);
	give(parent, row->ti_ptid);
	give(host, row->ti_host);
	give(flags, row->ti_flag);
	give_text(program, program_length, row->ti_a_out);
	*info = 1;
}

/*
 * A row is a class of the mailbox: its name, and arrays with as many elements as it has entries. As
 * the manual has it, PvmNotFound comes after the last class; then, or with a number of classes or
 * info of -1, the next call begins anew. (PVM 3.4.6 hands out the first class for ever.)
 */
void F(pvmfgetmboxinfo)(const char *pattern, char *class, int *count, int *entries, int *indices, int *owners,
			int *flags, int *info, int pattern_length, int class_length)
{
	const struct pvmmboxinfo *row;
	int i, result = PvmOk;

	if (!classes.rows || *info == -1 || (count && *count == -1)) {
		classes.rows = NULL;
		classes.count = classes.next = 0;
		WITH_NAME(pattern, pattern_length, &result, pvm_getmboxinfo(name, &classes.count, &classes.rows));
		if (result < 0) {
			classes.rows = NULL;
			*info = result;
			return;
		}
	}
	give(count, classes.count);
	if (classes.next >= classes.count) {
		classes.rows = NULL;
		*info = PvmNotFound;
		return;
	}
	row = &classes.rows[classes.next++];
	give_text(class, class_length, row->mi_name);
	give(entries, row->mi_nentries);
	for (i = 0; i < row->mi_nentries; i++) {
		if (indices)
			indices[i] = row->mi_indices[i];
		if (owners)
			owners[i] = row->mi_owners[i];
		if (flags)
			flags[i] = row->mi_flags[i];
	}
	*info = PvmOk;
}
