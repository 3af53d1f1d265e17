/*
 * groups.c: groups and what they do together.
 */
#include "fortran.h"

typedef void operation(int *type, void *x, void *y, int *items, int *info);

void F(pvmfjoingroup)(const char *group, int *instance, int length)
{
	WITH_NAME(group, length, instance, pvm_joingroup(name));
}

void F(pvmflvgroup)(const char *group, int *info, int length)
{
	WITH_NAME(group, length, info, pvm_lvgroup(name));
}

void F(pvmfgsize)(const char *group, int *size, int length)
{
	WITH_NAME(group, length, size, pvm_gsize(name));
}

void F(pvmfgetinst)(const char *group, const int *tid, int *instance, int length)
{
	WITH_NAME(group, length, instance, pvm_getinst(name, *tid));
}

void F(pvmfgettid)(const char *group, const int *instance, int *tid, int length)
{
	WITH_NAME(group, length, tid, pvm_gettid(name, *instance));
}

void F(pvmfbarrier)(const char *group, const int *count, int *info, int length)
{
	WITH_NAME(group, length, info, pvm_barrier(name, *count));
}

void F(pvmfbcast)(const char *group, const int *tag, int *info, int length)
{
	WITH_NAME(group, length, info, pvm_bcast(name, *tag));
}

void F(pvmffreezegroup)(const char *group, const int *size, int *info, int length)
{
	WITH_NAME(group, length, info, pvm_freezegroup(name, *size));
}

/* An operation takes everything by address, so one of Fortran is one of C. */
void F(pvmfreduce)(operation *f, void *values, const int *items, const int *type, const int *tag, const char *group,
		   const int *root, int *info, int length)
{
	WITH_NAME(group, length, info, pvm_reduce(f, values, *items, *type, *tag, name, *root));
}

void F(pvmfscatter)(void *result, void *values, const int *items, const int *type, const int *tag, const char *group,
		    const int *root, int *info, int length)
{
	WITH_NAME(group, length, info, pvm_scatter(result, values, *items, *type, *tag, name, *root));
}

void F(pvmfgather)(void *result, void *values, const int *items, const int *type, const int *tag, const char *group,
		   const int *root, int *info, int length)
{
	WITH_NAME(group, length, info, pvm_gather(result, values, *items, *type, *tag, name, *root));
}

/* PvmMax and the others under Fortran's names, to be called or handed to pvmfreduce. */
void F(pvmmax)(int *type, void *x, void *y, int *items, int *info)
{
	PvmMax(type, x, y, items, info);
}

void F(pvmmin)(int *type, void *x, void *y, int *items, int *info)
{
	PvmMin(type, x, y, items, info);
}

void F(pvmsum)(int *type, void *x, void *y, int *items, int *info)
{
	PvmSum(type, x, y, items, info);
}

void F(pvmproduct)(int *type, void *x, void *y, int *items, int *info)
{
	PvmProduct(type, x, y, items, info);
}
