/*
 * group.h: libgpvm3: groups over the daemon's Group requests, collective operations over messages.
 * Its only ties to libpvm3 beside the public interface are those of compat.h that begin with pvmi_group_.
 */
#ifndef GPVM_GROUP_H
#define GPVM_GROUP_H

#pragma GCC visibility push(default)
#include <stdio.h>
#include <pvm3.h>
#include "api/compat.h"
#pragma GCC visibility pop

enum { JOIN, LEAVE, BARRIER, INSTANCE, TID, SIZE, FREEZE, MEMBERS };   /* task.proto: Group.Verb */

/* Events of the functions here: what they call of libpvm3 is none. */
#define gpvm_entry(event, ...) pvmi_group_event((event), TEV_EVENT_ENTRY, ##__VA_ARGS__)
int gpvm_exit(int event, const char *function, int result);    /* the result; sets pvm_errno */

/* tids by instance, 0 where one has left; malloc'd. Their number, or an error. */
int gpvm_members(const char *group, int **tids);
/* Bytes of an element; PvmBadParam. */
int gpvm_size_of(int type);
int gpvm_pack(void *values, int items, int type);
int gpvm_unpack(void *values, int items, int type);

#endif
