/*
 * group.h: libgpvm3: groups over the daemon's Group requests, collective operations over messages.
 * Its only ties to libpvm3 beside the public interface are the two functions of compat.h.
 */
#ifndef GPVM_GROUP_H
#define GPVM_GROUP_H

#pragma GCC visibility push(default)
#include <stdio.h>
#include <pvm3.h>
#include "api/compat.h"
#pragma GCC visibility pop

enum { JOIN, LEAVE, BARRIER, INSTANCE, TID, SIZE, FREEZE, MEMBERS };   /* task.proto: Group.Verb */

/* tids by instance, 0 where one has left; malloc'd. Their number, or an error. */
int gpvm_members(const char *group, int **tids);
/* Bytes of an element; PvmBadParam. */
int gpvm_size_of(int type);
int gpvm_pack(void *values, int items, int type);
int gpvm_unpack(void *values, int items, int type);

#endif
