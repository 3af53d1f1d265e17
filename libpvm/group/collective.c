/*
 * collective.c: pvm_reduce, pvm_scatter, pvm_gather. Every member sends to, or hears from, the root;
 * the root takes the members in the order of their instances, so a sum of floating-point numbers
 * is the same each time.
 */
#include <stdlib.h>
#include <string.h>

#include "group.h"

int gpvm_size_of(int type)
{
	static const int sizes[] = { 0, 1, 2, 4, 4, 8, 8, 16, 8, 2, 4, 8 };

	return type >= PVM_BYTE && type <= PVM_ULONG ? sizes[type] : PvmBadParam;
}

int gpvm_pack(void *values, int items, int type)
{
	switch (type) {
	case PVM_BYTE: return pvm_pkbyte(values, items, 1);
	case PVM_SHORT: return pvm_pkshort(values, items, 1);
	case PVM_USHORT: return pvm_pkushort(values, items, 1);
	case PVM_INT: return pvm_pkint(values, items, 1);
	case PVM_UINT: return pvm_pkuint(values, items, 1);
	case PVM_LONG: return pvm_pklong(values, items, 1);
	case PVM_ULONG: return pvm_pkulong(values, items, 1);
	case PVM_FLOAT: return pvm_pkfloat(values, items, 1);
	case PVM_CPLX: return pvm_pkcplx(values, items, 1);
	case PVM_DOUBLE: return pvm_pkdouble(values, items, 1);
	case PVM_DCPLX: return pvm_pkdcplx(values, items, 1);
	}
	return PvmBadParam;
}

int gpvm_unpack(void *values, int items, int type)
{
	switch (type) {
	case PVM_BYTE: return pvm_upkbyte(values, items, 1);
	case PVM_SHORT: return pvm_upkshort(values, items, 1);
	case PVM_USHORT: return pvm_upkushort(values, items, 1);
	case PVM_INT: return pvm_upkint(values, items, 1);
	case PVM_UINT: return pvm_upkuint(values, items, 1);
	case PVM_LONG: return pvm_upklong(values, items, 1);
	case PVM_ULONG: return pvm_upkulong(values, items, 1);
	case PVM_FLOAT: return pvm_upkfloat(values, items, 1);
	case PVM_CPLX: return pvm_upkcplx(values, items, 1);
	case PVM_DOUBLE: return pvm_upkdouble(values, items, 1);
	case PVM_DCPLX: return pvm_upkdcplx(values, items, 1);
	}
	return PvmBadParam;
}

struct call {
	int me, tag, type, size, count;
	int *tids;              /* by instance */
	int instance, root;
};

/* Who takes part, and as what. Ends with end(). */
static int begin(struct call *call, const char *group, int items, int type, int tag, int root)
{
	memset(call, 0, sizeof(*call));
	call->size = gpvm_size_of(type);
	if (call->size < 0 || items < 0 || tag < 0 || root < 0)
		return PvmBadParam;
	call->me = pvm_mytid();
	if (call->me < 0)
		return call->me;
	call->tag = tag;
	call->type = type;
	call->root = root;
	call->count = gpvm_members(group, &call->tids);
	if (call->count < 0)
		return call->count;
	if (root >= call->count || !call->tids[root])
		return PvmNoInst;
	for (call->instance = 0; call->instance < call->count; call->instance++)
		if (call->tids[call->instance] == call->me)
			return PvmOk;
	return PvmNotInGroup;
}

static int end(struct call *call, int result)
{
	free(call->tids);
	return result < 0 ? result : PvmOk;
}

/* Neither disturbs the program's own buffers. */
static int send_to(const struct call *call, int tid, void *values, int items)
{
	int old = pvm_setsbuf(pvm_mkbuf(PvmDataDefault));
	int result = gpvm_pack(values, items, call->type);

	/* Long integers need all their bits; XDR has room for half. */
	if (result >= 0 && (call->type == PVM_LONG || call->type == PVM_ULONG)) {
		pvm_freebuf(pvm_setsbuf(pvm_mkbuf(PvmDataRaw)));
		result = gpvm_pack(values, items, call->type);
	}
	if (result >= 0)
		result = pvm_send(tid, call->tag);
	pvm_freebuf(pvm_setsbuf(old));
	return result;
}

static int receive_from(const struct call *call, int tid, void *values, int items)
{
	int old = pvm_setrbuf(0);
	int result = pvm_recv(tid, call->tag);

	if (result > 0)
		result = gpvm_unpack(values, items, call->type);
	pvm_freebuf(pvm_setrbuf(old));
	return result;
}

/*
 * The lowest instance's values come first, then the others' by instance: one order, whoever is the
 * root and whoever comes first, so a sum of floating-point numbers is the same each time. (PVM begins
 * with the lowest on a host too, and takes the others as they come.)
 */
static int reduce(struct call *call, void (*operation)(int *, void *, void *, int *, int *), void *values, int items)
{
	size_t bytes = (size_t)call->size * (size_t)items;
	char *own, *theirs;
	int i, info = PvmOk, result = PvmOk, first = 1;

	if (call->instance != call->root)
		return send_to(call, call->tids[call->root], values, items);
	own = malloc(2 * bytes + 1);
	if (!own)
		return PvmNoMem;
	theirs = own + bytes;
	memcpy(own, values, bytes);
	for (i = 0; i < call->count && result >= 0; i++) {
		void *next = i == call->root ? own : theirs;

		if (!call->tids[i])
			continue;
		if (i != call->root)
			result = receive_from(call, call->tids[i], first ? values : theirs, items);
		if (result >= 0 && !first) {
			operation(&call->type, values, next, &items, &info);
			result = info;
		}
		first = 0;
	}
	free(own);
	return result;
}

int pvm_reduce(void (*operation)(int *type, void *x, void *y, int *items, int *info),
	       void *values, int items, int type, int tag, char *group, int root)
{
	struct call call;
	int result;

	gpvm_entry(TEV_REDUCE, group, tag);
	result = operation && values ? begin(&call, group, items, type, tag, root) : PvmBadParam;
	if (operation && values)
		result = end(&call, result ? result : reduce(&call, operation, values, items));
	pvmi_group_event(TEV_REDUCE, TEV_EVENT_EXIT, result);
	return result < 0 ? lpvmerr("pvm_reduce", result) : result;
}

static int scatter(struct call *call, void *result_values, void *values, int items)
{
	size_t bytes = (size_t)call->size * (size_t)items;
	int i, result = PvmOk;

	if (call->instance != call->root)
		return receive_from(call, call->tids[call->root], result_values, items);
	for (i = 0; i < call->count && result >= 0; i++) {
		char *part = (char *)values + (size_t)i * bytes;

		if (i == call->root)
			memmove(result_values, part, bytes);
		else if (call->tids[i])
			result = send_to(call, call->tids[i], part, items);
	}
	return result;
}

int pvm_scatter(void *result_values, void *values, int items, int type, int tag, char *group, int root)
{
	struct call call;
	int result;

	gpvm_entry(TEV_SCATTER, group, tag);
	result = begin(&call, group, items, type, tag, root);
	if (!result && (!result_values || (call.instance == root && !values)))
		result = PvmBadParam;
	result = end(&call, result ? result : scatter(&call, result_values, values, items));
	pvmi_group_event(TEV_SCATTER, TEV_EVENT_EXIT, result);
	return result < 0 ? lpvmerr("pvm_scatter", result) : result;
}

static int gather(struct call *call, void *result_values, void *values, int items)
{
	size_t bytes = (size_t)call->size * (size_t)items;
	int i, result = PvmOk;

	if (call->instance != call->root)
		return send_to(call, call->tids[call->root], values, items);
	for (i = 0; i < call->count && result >= 0; i++) {
		char *part = (char *)result_values + (size_t)i * bytes;

		if (i == call->root)
			memmove(part, values, bytes);
		else if (call->tids[i])
			result = receive_from(call, call->tids[i], part, items);
	}
	return result;
}

int pvm_gather(void *result_values, void *values, int items, int type, int tag, char *group, int root)
{
	struct call call;
	int result;

	gpvm_entry(TEV_GATHER, group, tag);
	result = begin(&call, group, items, type, tag, root);
	if (!result && (!values || (call.instance == root && !result_values)))
		result = PvmBadParam;
	result = end(&call, result ? result : gather(&call, result_values, values, items));
	pvmi_group_event(TEV_GATHER, TEV_EVENT_EXIT, result);
	return result < 0 ? lpvmerr("pvm_gather", result) : result;
}
