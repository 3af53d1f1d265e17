/*
 * message.h: messages as libpvm's own parts use them, beyond what pvmi.h says to plane and link.
 *
 *   message.c   bodies: pieces, room to write, snapshots for sending
 *   mids.c      the table of message ids, and which buffers are active
 *   queue.c     arrival, matching
 *   handlers.c  pvm_addmhf
 *   pack.c unpack.c codec.c format.c nested.c   what pvm_pk... and pvm_upk... do
 */
#ifndef PVMI_MESSAGE_H
#define PVMI_MESSAGE_H

#include "../memory/memory.h"
#include "../pvmi.h"

#define PVMI_ENC_XDR		0x10000000U
#define PVMI_ENC_IN_PLACE	0x20000000U
#define PVMI_ENC_RAW		0x00408c41U     /* the data signature of x86-64: PVM's notation for it */

#define PVMI_TAG_OUTPUT		((int32_t)0x80030005)   /* captured output, to pvm_catchout */
#define PVMI_SYSTEM_CONTEXT	0x7ffffU
#define PVMI_GROUP_CONTEXT	0x7fffcU        /* of PVM's group server */

/* ------------------------------------------------------------------ bodies */

/* size contiguous bytes at the end of the body, counted into it. NULL: no memory. */
uint8_t *pvmi_body_extend_slow(struct pvmi_message *message, size_t size);

static inline uint8_t *pvmi_body_extend(struct pvmi_message *message, size_t size)
{
	struct pvmi_piece *last = message->last;
	uint8_t *place;

	if (size > message->room)
		return pvmi_body_extend_slow(message, size);
	place = last->bytes + last->length;
	last->length += size;
	message->length += size;
	message->room -= size;
	return place;
}

void pvmi_body_clear(struct pvmi_message *message);
void pvmi_body_rewind(struct pvmi_message *message);

/* The next size bytes when they lie in one place, else NULL; the cursor moves past them. */
static inline const uint8_t *pvmi_body_direct(struct pvmi_message *message, size_t size)
{
	struct pvmi_piece *piece = message->cursor.piece ? message->cursor.piece : message->first;
	const uint8_t *place;

	if (!piece || piece->length - message->cursor.offset < size)
		return NULL;
	place = piece->bytes + message->cursor.offset;
	message->cursor.piece = piece;
	message->cursor.offset += size;
	return place;
}

/* The longest run at the cursor that lies in one place; 0 at the end of the body. */
size_t pvmi_body_run(struct pvmi_message *message, const uint8_t **bytes);
size_t pvmi_body_left(const struct pvmi_message *message);
/* Copies and moves past; false, and nothing is read, when so much is not there. */
bool pvmi_body_read(struct pvmi_message *message, void *into, size_t size);

/* A message as it is now: shares the blocks, so what is packed later does not change it. Data in
 * place is copied here, once. NULL: no memory. */
struct pvmi_message *pvmi_message_snapshot(struct pvmi_message *message);
/* A message of this length was sent: others like it will follow. */
void pvmi_message_sent(size_t length);

/* ------------------------------------------------------------------ mids */

struct pvmi_slot {
	struct pvmi_message *message;
	int next_free;
};

/* ------------------------------------------------------------------ handlers */

struct pvmi_handler {
	int id;
	int source, tag, context;
	bool own;               /* the library's */
	int (*function)(int mid);
	struct pvmi_handler *next;      /* newest first */
};

struct pvmi_queue {
	struct pvmi_message *first, *last;
	unsigned int count;
};

struct pvmi_messages {
	struct pvmi_slot *slots;
	int slot_count, free_slot;
	int send_mid, receive_mid;      /* active buffers; 0: none */
	size_t size_hint;               /* how large messages lately became */

	struct pvmi_queue received;     /* not yet asked for, oldest first */
	struct pvmi_queue for_handlers; /* arrived, a handler wants it; run by the program's thread */
	uint64_t arrivals;              /* how many were ever queued */
	struct pvmi_handler *handlers;  /* the program's */
	struct pvmi_handler *own_handlers;      /* the library's: messages of its own context */
	int next_handler;
	int (*match)(int mid, int tid, int tag);        /* pvm_recvf; NULL: PVM's own */
	int news_fd;                    /* pvm_getfds: readable when something has come; -1 until asked for */
};

/* Enters the message into the table; takes over the caller's reference. A mid, or PvmNoMem. */
int pvmi_mid_new(struct pvmi_message *message);
struct pvmi_message *pvmi_mid_message(int mid);         /* NULL: none */
void pvmi_mid_free(int mid);
/* The message behind a caller's mid, or PvmBadParam, PvmNoSuchBuf. */
int pvmi_mid_check(int mid, struct pvmi_message **message);
int pvmi_buffer_new(int encoding);                      /* pvm_mkbuf */

/* ------------------------------------------------------------------ queue */

/* Takes the first match out of the queue, with one reference for the caller (a message that has a
 * mid already has one for that as well); NULL: none. With a match function of the program's own,
 * *error is what it returned when it was negative. after: look only at what arrived after that
 * many arrivals (0: at all). */
struct pvmi_message *pvmi_queue_take(int tid, int tag, uint64_t after, int *error);
/* The same, but it stays there. */
struct pvmi_message *pvmi_queue_find(int tid, int tag);
/* The first of this source, tag and context, whatever the program's rule: the library's own business. */
struct pvmi_message *pvmi_queue_take_from(uint32_t source, int tag, uint32_t context);
int pvmi_default_match(int mid, int tid, int tag);
void pvmi_queue_drop_all(struct pvmi_queue *queue);
void pvmi_queue_append(struct pvmi_queue *queue, struct pvmi_message *message);

/* Hands waiting messages to their handlers. On the program's thread, in any call that receives. */
void pvmi_handlers_run_waiting(void);
static inline void pvmi_handlers_run(void)
{
	if (pvmi->messages->for_handlers.first)
		pvmi_handlers_run_waiting();
}
/* The lowest free id from first_id on; PVM counts its own handlers too, so a program's begin at 9. */
#define PVMI_FIRST_HANDLER 9
/* first_id 0: one of the library's own. */
int pvmi_handler_add(int first_id, int source, int tag, int context, int (*function)(int mid));
int pvmi_handler_delete(int id);
/* Contexts that the library has handlers of its own for. */
static inline bool pvmi_is_own_context(uint32_t context)
{
	return context >= PVMI_GROUP_CONTEXT && context <= PVMI_SYSTEM_CONTEXT;
}
struct pvmi_handler *pvmi_handler_for(const struct pvmi_message *message);
void pvmi_handlers_drop_all(void);

/* pvm_getfds */
int pvmi_news_descriptor(void);
void pvmi_news_clear(void);
void pvmi_news_renew(void);             /* after a move: the same number again */

/* ------------------------------------------------------------------ packing */

/* How an element of PVM's types lies in memory and in XDR. */
struct pvmi_type {
	uint8_t size;           /* of one element in memory */
	uint8_t wire;           /* in XDR; 0: bytes, padded to four a call */
	uint8_t parts;          /* numbers in an element: 2 for complex */
	uint8_t kind;           /* enum pvmi_kind, of one number */
};
enum pvmi_kind { PVMI_BYTES, PVMI_SHORT, PVMI_USHORT, PVMI_WORD, PVMI_LONG, PVMI_ULONG, PVMI_DOUBLE };
/* By PVM_BYTE ... PVM_ULONG. */
extern const struct pvmi_type pvmi_types[12];

/* count elements between memory (stride in elements) and XDR. Wire addresses are any, memory is aligned. */
void pvmi_xdr_encode(uint8_t *wire, const void *memory, size_t count, int stride, const struct pvmi_type *type);
void pvmi_xdr_decode(void *memory, const uint8_t *wire, size_t count, int stride, const struct pvmi_type *type);
void pvmi_raw_gather(uint8_t *wire, const void *memory, size_t count, int stride, size_t size);
void pvmi_raw_scatter(void *memory, const uint8_t *wire, size_t count, int stride, size_t size);

/* These do what pvm_pk... and pvm_upk... do, and return PvmOk or an error. */
int pvmi_pack(struct pvmi_message *message, const void *values, int count, int stride, int type);
int pvmi_unpack(struct pvmi_message *message, void *values, int count, int stride, int type);
int pvmi_pack_string(struct pvmi_message *message, const char *text);
int pvmi_unpack_string(struct pvmi_message *message, char *text);
int pvmi_unpack_string_new(struct pvmi_message *message, char **text);  /* malloc'd, NULL with an error */
int pvmi_pack_nested(struct pvmi_message *into, struct pvmi_message *message);
int pvmi_pack_body(struct pvmi_message *into, struct pvmi_message *message);
int pvmi_unpack_nested(struct pvmi_message *from, struct pvmi_message **message);

/* For messages that the library makes or reads for itself. */
static inline int pvmi_pack_int(struct pvmi_message *message, int value)
{
	return pvmi_pack(message, &value, 1, 1, 3);
}

#endif
