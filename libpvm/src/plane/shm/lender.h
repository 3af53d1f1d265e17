/*
 * lender.h: a peer's heap as mapped here, and the blocks of it that messages still use.
 *
 * It outlives the connection it came with: the peer may end or move while a message of its lies
 * unread in our queue. After a move of our own the blocks in use lie at the same addresses in
 * private memory, and nothing else of it exists.
 */
#ifndef PVMI_LENDER_H
#define PVMI_LENDER_H

#include "../plane.h"
#include "ring.h"

struct pvmi_lender {
	int fd;                         /* -1: the peer's file is of no concern any more */
	uint8_t *base;
	size_t size, limit;             /* mapped, reserved */
	struct pvmi_area *area;
	struct pvmi_foreign_block *blocks;
	uint32_t count;                 /* of blocks */
	size_t bytes;                   /* in them */
	struct pvmi_ring_shared *flags; /* where a release is told; NULL: nobody listens */
	struct pvmi_area *flags_area;   /* it is ours to unmap: the connection has ended before us */
	bool connected;                 /* an inlet uses it */
	uint8_t *kept;                  /* what is to take the place of the peer's memory */
};

/* Takes over the descriptor; NULL (and the descriptor is closed): not a sealed file, or no memory. */
struct pvmi_lender *pvmi_lender_new(int fd);
/* A block over [offset, offset + length), or NULL when that is not inside the peer's file. */
const uint8_t *pvmi_lender_bytes(struct pvmi_lender *lender, uint64_t offset, uint64_t length);
struct pvmi_block *pvmi_lender_block(struct pvmi_lender *lender, const uint8_t *bytes, size_t length, uint32_t lend);
void pvmi_lender_release(struct pvmi_lender *lender, uint32_t lend);
/* The inlet is gone. While blocks are still in use the ring (area) is kept for their releases: the
 * sender may live, and waits for them before it uses that memory again. */
void pvmi_lender_disconnect(struct pvmi_lender *lender, struct pvmi_area *area);
/* Blocks in use become private memory, at the same addresses. False, and nothing is changed: no memory for them. */
bool pvmi_lenders_keep_what_is_used(void);
/* After a move: what is still in use lies in private memory; files and rings exist no more. */
void pvmi_lenders_moved(void);

#endif
