/*
 * capture.h: what the files of capture/ share. Everything here runs on the agent, with raw system
 * calls only, except what park.c runs on the thread that is stopped.
 */
#ifndef CKPT_CAPTURE_H
#define CKPT_CAPTURE_H

#include <signal.h>

#include "../arch/x86_64/arch.h"
#include "../arch/x86_64/syscall.h"
#include "../image/stream.h"
#include "../image/text.h"
#include "ckpt.h"
#include "ckpt_job.h"
#include "../image/fault.h"
#include "image.pb.h"

#define CKPT_MAX_AREAS 65536
#define CKPT_MAX_DESCRIPTORS 4096
#define CKPT_PATH_ROOM (4u << 20)
#define CKPT_MAX_PENDING 1024
#define CKPT_MAX_THREADS 4096
#define CKPT_MAX_LOCKS 256
#define CKPT_ZONE_START 0x200000000000ul        /* where restorers live: no task may map there */
#define CKPT_ZONE_LENGTH 0x4000000000ul
#define CKPT_PARK_SIGNAL 33

/* A mapping, as /proc/self/maps tells and the client judges. */
struct ckpt_area {
	uintptr_t start, end;
	uint64_t offset, inode;
	uint32_t device, path;          /* path: offset into the workspace's text, 0: none */
	uint8_t protection;
	uint8_t kind;                   /* mpvm_image_Area_Kind */
	bool shared;
	bool watched;                   /* under dirty tracking */
	bool fresh;                     /* not sent in an earlier round */
	bool transient;
	bool borrowed;                  /* CKPT_AREA_COPY_PRIVATE */
	bool whole;                     /* deleted file: all of it travels, as anonymous memory */
};

/* A shared-memory object that the process holds a descriptor of. */
struct ckpt_object {
	uint64_t inode;
	int fd;
};

/* Keeping the program from running for a part of the time (pace.c). */
struct ckpt_throttle {
	bool stopped;
	uint64_t until;                 /* when that changes */
};

/* Not faster than the node is allowed to (pace.c). */
struct ckpt_pace {
	uint64_t limit, since, from;    /* bytes a second, as of this time and this position of the stream */
	uint64_t rested;                /* nanoseconds, of this round */
};

/* A mapping of which the program has said something. */
struct ckpt_advised {
	uintptr_t start, end;
	uint32_t advice;                /* bits of image/advice.h */
};

struct ckpt_region {                    /* PAGEMAP_SCAN's */
	uint64_t start, end, categories;
};

/* Mapped by ckpt_open, unmapped by ckpt_close, and never part of the image. */
struct ckpt_workspace {
	struct ckpt_out out;
	struct ckpt_area areas[2][CKPT_MAX_AREAS];
	size_t area_count[2];
	unsigned int current;           /* which of the two describes this round */
	char paths[CKPT_PATH_ROOM];
	size_t path_used;
	char line[8192];
	char read_buffer[65536];
	struct ckpt_region regions[1024];
	struct ckpt_object objects[256];
	size_t object_count;
	struct ckpt_range windows[256]; /* transient mappings of objects */
	uint64_t window_objects[256];
	size_t window_count;
	union {
		mpvm_image_Header header;
		mpvm_image_Area area;
		mpvm_image_Process process;
		mpvm_image_Descriptor descriptor;
		mpvm_image_Data data;
	} message;
	struct {
		int number;
		uint64_t device, inode;
		uint64_t file;          /* inode, as the kernel says it */
		uint8_t kind;
		bool duplicate;         /* of an earlier one */
	} descriptors[CKPT_MAX_DESCRIPTORS];
	size_t descriptor_count;
	int pagemap, memory, uffd, clear_refs;
	const struct ckpt_tracker *tracker;     /* NULL before the first live round */
	uint64_t *marks;                /* by page number: what was sent of it (pages.h); NULL: not kept */
	bool last;                      /* this is the last round: the program stands still until its end */
	struct ckpt_advised advised[2048];
	size_t advised_count;
	bool locks_future;              /* mlockall(MCL_FUTURE) */
	bool no_scan;                   /* the kernel lacks PAGEMAP_SCAN */
	uint64_t last_progress;
	uint64_t least_remaining;       /* of all rounds */
	unsigned int idle_rounds;       /* in a row, that left hardly less than that */
	struct ckpt_throttle throttle;
	struct ckpt_pace pace;
	struct ckpt_in answers;
};
#define CKPT_WORKSPACE_SIZE ((sizeof(struct ckpt_workspace) + CKPT_PAGE - 1) & ~(CKPT_PAGE - 1))

/*
 * A thread of the program. The agent makes the entry; the thread fills it in when it parks.
 *
 *   state     who sets it    meaning
 *   RUNNING   the thread     runs
 *   PARKED    the thread     parked: its registers and attributes are here
 *   ASKED     the agent      is to do what `task` says (only a thread can take its own signals)
 *   LEAVING   the agent      is to go on: the thread makes it RUNNING when it does
 */
enum ckpt_state { CKPT_RUNNING, CKPT_PARKED, CKPT_ASKED, CKPT_LEAVING };
enum ckpt_task { CKPT_LOOK_PENDING, CKPT_TAKE_SIGNAL };

struct ckpt_parked {
	volatile uint32_t tid;          /* 0: the entry is free */
	volatile uint32_t state;
	volatile uint32_t sent, seen;   /* parking signals sent to it, handled by it */
	volatile uint32_t put_off;      /* how often it did not park because it held a number */
	uint32_t put_off_known;
	uint64_t not_before;            /* when it may be signalled again after that */
	bool listed;                    /* by the latest look at /proc/self/task */
	struct ckpt_call call;          /* what it was doing when it was signalled */

	struct ckpt_registers registers;
	uint64_t context;               /* of the signal that stopped it; 0: it parked itself */
	uint64_t tls, gs, tid_address, robust_list, robust_list_size, mask;
	stack_t altstack;
	uint32_t policy, priority;
	int32_t niceness;
	uint64_t timer_slack;
	uint32_t death_signal;
	bool no_new_privileges;
	char name[16];
	uint32_t affinity_size;
	uint8_t affinity[128];

	enum ckpt_task task;
	uint64_t signals;               /* pending (answer to LOOK_PENDING), or one of which to take */
	uint8_t info[128];              /* answer to TAKE_SIGNAL; all zero: there was none */
};

struct ckpt_pending {
	uint32_t tid;                   /* 0: sent to the process */
	uint8_t info[128];
};

/* Mapped once, then kept at the source; never part of the image. */
struct ckpt_threads {
	size_t count;                   /* entries in use lie below */
	size_t listed;
	uint32_t lowest, highest;       /* number of any entry */
	struct ckpt_parked at[CKPT_MAX_THREADS];
	struct ckpt_pending pending[CKPT_MAX_PENDING];
	size_t pending_count;
};
#define CKPT_THREADS_SIZE ((sizeof(struct ckpt_threads) + CKPT_PAGE - 1) & ~(CKPT_PAGE - 1))

/* Locks on files, as they were noted last (locks.c). Travels in the task's memory. */
struct ckpt_lock {
	int fd;
	int command;                    /* of fcntl; 0: flock */
	bool write;
	uint64_t start, length;         /* 0: to the end of the file, wherever that is */
};

struct ckpt_locks {
	size_t count;
	volatile uint32_t wanted;       /* 1 from the freeze until they are taken at the destination */
	struct ckpt_lock at[CKPT_MAX_LOCKS];
};

struct ckpt_engine {
	const struct ckpt_client *client;
	struct ckpt_handoff *handoff;
	struct ckpt_workspace *work;
	uint64_t rseq_offset;
	uint32_t rseq_size;
	/* Words that the agent and the threads wait on. */
	volatile uint32_t freezing;
	volatile uint32_t events;       /* changes whenever a thread parks, or has answered */
	struct ckpt_threads *threads;
	bool handler_installed;
	bool hold_numbers;              /* the last stop: no thread may have its number at hand */
	uint8_t old_action[32];         /* struct kernel_sigaction of the parking signal */
	/* How the threads meet at the destination. */
	volatile uint32_t others;       /* threads beside the main one */
	volatile uint32_t come;         /* of those, that run the task's own code again */
	volatile uint32_t generation;   /* of arrivals: changes when the main thread has made all ready */
	bool frozen;
	struct ckpt_locks locks;
};
extern struct ckpt_engine ckpt_engine;

struct kernel_sigaction {
	uint64_t handler, flags, restorer, mask;
};

/* job.c */
int ckpt_fail(struct ckpt_job *job, int code, const char *format, ...);
int ckpt_tick_job(void *job);
int ckpt_stream_error(struct ckpt_job *job, const char *what);
#define CKPT_FAULT(job, point) \
	do { \
		if (ckpt_fault(job, point)) \
			return ckpt_fail(job, CKPT_E_SYSTEM, "injected fault at %s", ckpt_fault_name(point)); \
	} while (0)

/* maps.c */
int ckpt_read_areas(struct ckpt_job *job);
const char *ckpt_area_path(const struct ckpt_area *area);

/* memory.c */
int ckpt_send_areas(struct ckpt_job *job, bool last);

/* track.c: how it is found what the program has written. All but `close` run while nobody else does. */
struct ckpt_tracker {
	uint32_t tracking;              /* enum ckpt_tracking */
	const char *name;
	long (*open)(void);             /* 0, or -errno: it is not to be had here */
	void (*close)(void);
	bool (*watch)(const struct ckpt_area *area);            /* from now on; the program stands still */
	bool (*is_watched)(const struct ckpt_area *area);       /* still, all of it */
	int (*look)(struct ckpt_job *job);      /* or NULL; areas are known, the program stands still */
	int (*send_first)(struct ckpt_job *job, const struct ckpt_area *area);
	int (*send_written)(struct ckpt_job *job, const struct ckpt_area *area);
	uint64_t (*dirty_bytes)(struct ckpt_job *job);          /* written since they were last sent */
};
int ckpt_open_tracker(struct ckpt_job *job);
void ckpt_close_tracker(void);
/* compare.c */
extern const struct ckpt_tracker ckpt_soft_dirty, ckpt_compare;
bool ckpt_is_table(uintptr_t start, uintptr_t end);     /* its own memory, no part of the image */

/* freed.c: the kernel takes what the program has given up, so that it need not travel. */
void ckpt_drop_freed(void);

/* pace.c */
void ckpt_pace(struct ckpt_job *job);
void ckpt_throttle(struct ckpt_job *job);
void ckpt_throttle_off(void);

/* descriptors.c */
int ckpt_check_descriptors(struct ckpt_job *job);       /* also finds the shared-memory objects */
int ckpt_send_descriptors(struct ckpt_job *job);
int ckpt_open_windows(struct ckpt_job *job);
void ckpt_close_windows(void);
int ckpt_refuse(struct ckpt_job *job, int fd, const char *path, const char *why);

/* locks.c */
int ckpt_note_locks(struct ckpt_job *job, int fd, const char *path);
void ckpt_take_locks(void);
int ckpt_await_locks(struct ckpt_job *job);

/* kernel_objects.c: eventfd, timerfd, signalfd, epoll, pipes within the task */
bool ckpt_judge_object(const char *path, uint8_t *kind);        /* is it one? */
int ckpt_check_objects(struct ckpt_job *job);   /* when all descriptors are known */
int ckpt_describe_object(struct ckpt_job *job, mpvm_image_Descriptor *message);
int ckpt_send_objects(struct ckpt_job *job);    /* what goes behind the descriptors */

/* advice.c */
void ckpt_read_advice(void);
uint32_t ckpt_advice_of(const struct ckpt_area *area);

/* sockets.c */
int ckpt_check_sockets(struct ckpt_job *job);   /* when all descriptors are known */
int ckpt_describe_socket(struct ckpt_job *job, mpvm_image_Descriptor *message);
int ckpt_send_socket(struct ckpt_job *job, size_t index);

/* process.c */
int ckpt_check_process(struct ckpt_job *job);
int ckpt_send_process(struct ckpt_job *job);

/* proc.c: small files of /proc, through the workspace's read buffer */
long ckpt_read_file(const char *path, char *out, size_t size);  /* terminated; length or -errno */
const char *ckpt_find_line(const char *text, const char *name); /* behind "name", or NULL */

/* park.c: what runs on the threads */
void ckpt_on_park_signal(int signal, siginfo_t *info, void *context);
bool ckpt_is_parked(const struct ckpt_parked *thread);

/* calls.c: the system calls that threads wait in */
void ckpt_begin_looking(void);                          /* a stop begins */
void ckpt_look_at_call(uint32_t tid, struct ckpt_call *call);

/* threads.c: what the agent does with them */
int ckpt_open_threads(struct ckpt_job *job);
int ckpt_stop(struct ckpt_job *job, uint32_t timeout_ms, bool last);    /* as ckpt_freeze, for a moment */
void ckpt_let_go(void);
int ckpt_take_pending(struct ckpt_job *job);
uint32_t ckpt_get_word(volatile uint32_t *word);
void ckpt_set_word(volatile uint32_t *word, uint32_t value);    /* and wakes who waits for it */
long ckpt_futex_wait(volatile uint32_t *word, uint32_t value, uint64_t timeout_ns);
void ckpt_futex_wake(volatile uint32_t *word);
#endif
