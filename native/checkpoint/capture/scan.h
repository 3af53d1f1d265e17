/* scan.h: asking which pages of an area there are. */
#ifndef CKPT_SCAN_H
#define CKPT_SCAN_H

#include "capture.h"

#define SCAN_PROTECT 1          /* PM_SCAN_WP_MATCHING */
#define SCAN_WATCHED 2          /* PM_SCAN_CHECK_WPASYNC */
#define IS_WRITTEN 2
#define IS_FILE 4
#define IS_PRESENT 8
#define IS_SWAPPED 16
#define IS_ZERO_PAGE 32
#define HAS_CONTENT (IS_PRESENT | IS_SWAPPED)

struct ckpt_query {
	uint64_t flags, inverted, mask, anyof;
};

/* One batch from *from on, into the workspace's regions; moves *from. Count, or -errno. */
long ckpt_scan_batch(uintptr_t *from, uintptr_t end, const struct ckpt_query *query);
/* The same where PAGEMAP_SCAN may be missing: then only HAS_CONTENT is known, and files. */
long ckpt_next_batch(uintptr_t *from, uintptr_t end, const struct ckpt_query *query);

#endif
