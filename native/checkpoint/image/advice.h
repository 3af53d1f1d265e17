/* What can be said of memory: the bits of mpvm.image.Area.advice, by this order. */
#ifndef CKPT_ADVICE_H
#define CKPT_ADVICE_H
#include <sys/mman.h>

static const struct {
	char name[3];   /* in VmFlags of /proc/PID/smaps */
	int advice;     /* of madvise; -1: not said that way */
} ckpt_advices[] = {
	{ "lo", -1 }, { "lf", -1 }, { "gd", -1 }, { "hg", MADV_HUGEPAGE }, { "nh", MADV_NOHUGEPAGE },
	{ "dc", MADV_DONTFORK }, { "dd", MADV_DONTDUMP }, { "wf", MADV_WIPEONFORK }, { "mg", MADV_MERGEABLE },
	{ "sr", MADV_SEQUENTIAL }, { "rr", MADV_RANDOM },
};
#define CKPT_ADVICES (sizeof(ckpt_advices) / sizeof(ckpt_advices[0]))
#define CKPT_ADVICE_LOCKED 1u           /* mlock */
#define CKPT_ADVICE_ON_FAULT 2u         /* mlock2 with MLOCK_ONFAULT */
#define CKPT_ADVICE_GROWS 4u            /* MAP_GROWSDOWN */
#endif
