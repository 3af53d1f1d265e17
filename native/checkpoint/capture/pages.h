/* pages.h: sending pages. */
#ifndef CKPT_PAGES_H
#define CKPT_PAGES_H

#include <sys/mman.h>

#include "scan.h"

/* What the destination has where these pages go, and so what need not be sent. */
enum ckpt_how {
	CKPT_ANEW,      /* zeros: pages that are zero are left out */
	CKPT_AGAIN,     /* what was sent before: pages that are zero now are named, with marks what is the same is left out */
	CKPT_AS_IT_IS,  /* a file's content, or something to compare with: all are sent */
};

/* In `marks`: what was sent of a page, as a hash with these two bits in it. */
#define CKPT_MARK_LOOK 1u       /* it may have changed since (compare.c) */
#define CKPT_MARK_SENT 2u

int ckpt_send_pages(struct ckpt_job *job, uintptr_t start, uintptr_t end, bool readable, enum ckpt_how how);
/* The pages of an area that match. */
int ckpt_send_content(struct ckpt_job *job, const struct ckpt_area *area, const struct ckpt_query *query,
		      enum ckpt_how how);
int ckpt_send_range(struct ckpt_job *job, uint32_t type, uintptr_t start, uintptr_t end);
int ckpt_scan_failed(struct ckpt_job *job, const struct ckpt_area *area, long error);

#endif
