/*
 * restorer.h: the small program on the destination that becomes the task. It has no libc, lives at
 * an address of its own (the zone), and keeps everything it needs there: the rest of the address
 * space belongs to the process it rebuilds.
 *
 *   main.c         the recipe, from start to jump
 *   link.c         its daemon: frames of task.proto
 *   image.c        records of the image, in order, and what each does
 *   room.c         making the address space empty; the vDSO
 *   memory.c       areas and their pages
 *   descriptors.c  open files
 *   objects.c      kernel objects among them
 *   sockets.c      pairs of sockets
 *   process.c      attributes, signals, timers
 *   threads.c      the task's threads: made, kept waiting, let go
 *   owners.c       their numbers in the task's memory
 *   libc.c         what the compiler and nanopb expect to find
 */
#ifndef RESTORER_H
#define RESTORER_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "../arch/x86_64/arch.h"
#include "../arch/x86_64/syscall.h"
#include "../image/fault.h"
#include "../image/stream.h"
#include "../image/text.h"
#include "ckpt.h"
#include "image.pb.h"

#define ZONE_START 0x200000000000ul
#define ZONE_LENGTH 0x4000000000ul
#define ZONE_KERNEL (ZONE_START + 0x1000000000ul)       /* vvar and vDSO wait here */
#define ZONE_STACKS (ZONE_START + 0x3000000000ul)       /* of threads that wait for the word */
#define THREAD_STACK 8192
#define MAX_THREADS 4096
#define MAX_LOCKS 65536         /* that may be held */
#define MAX_AREAS 65536
#define MAX_DESCRIPTORS 4096
#define MAX_TIMERS 256
#define MAX_PENDING 1024
#define MAX_OBJECTS 512
#define MAX_PIPES 256
#define MAX_SOCKETS 1024
#define MAX_DATA 32768
#define DATA_ROOM (16u << 20)   /* bytes that lie in pipes and sockets */
#define MAX_WATCHES 16384
#define TEXT_ROOM (4u << 20)

struct area {
	uintptr_t start, end;
	uint32_t protection, now;       /* wanted, and as it is mapped */
	uint8_t kind;
	bool transient;
	uint32_t path;
	uint32_t advice;                /* bits of image/advice.h */
};

struct descriptor {
	int number;
	uint8_t kind;
	bool close_on_exec;
	uint32_t flags, path, seals;
	int of;
	uint64_t position, size, inode, value, interval, ticks;
	uint32_t clock;
	bool semaphore;
	uint32_t domain, type, protocol, shut;
	uint64_t peer;
	bool alone;
	int32_t options[16];
};

struct pipe {
	uint64_t inode;
	int ends[2];
};

struct data {
	uint64_t inode;
	uint32_t at, size;
	bool more;
};

/* The end of a pair that was made with the other one. */
struct other_end {
	uint64_t inode;
	int fd;
};

struct object {
	uint64_t inode, size;
	int fd;
};

struct thread {
	mpvm_image_Thread wanted;
	uint32_t tid;                   /* what the kernel calls it here */
	struct ckpt_registers registers;
};

/* A VMA of the kernel's: [vvar], [vvar_vclock], [vdso]. */
struct kernel_area {
	uintptr_t start, end;           /* where it is now */
	uintptr_t target;               /* 0: the task has none */
	char name[24];
};

struct restorer {
	char socket[108], cookie[64];
	int daemon, listener, stream, output;
	bool authenticated, arrived;

	char id[64];
	uint8_t secret[16];
	uint32_t timeout_ms;
	char fault_point[48];
	uint32_t fault_action;
	char seal[256];                 /* removed with the last step: until then the process has not run */

	uintptr_t handoff;
	uint64_t bytes, pages, frozen_at_us;
	bool last_round, complete;
	mpvm_image_Process process;
	bool have_process;
	struct thread threads[MAX_THREADS];
	size_t thread_count;
	struct thread *main_thread;
	uintptr_t locks[MAX_LOCKS];
	size_t lock_count;
	bool locks_incomplete;

	struct area areas[MAX_AREAS];
	size_t area_count;
	struct descriptor descriptors[MAX_DESCRIPTORS];
	size_t descriptor_count;
	int highest;                    /* number of a descriptor of the task's */
	struct pipe pipes[MAX_PIPES];
	size_t pipe_count;
	struct other_end other_ends[MAX_SOCKETS];
	size_t other_end_count;
	struct data data[MAX_DATA];
	size_t data_count;
	uint8_t data_bytes[DATA_ROOM];
	size_t data_used;
	mpvm_image_Watch watches[MAX_WATCHES];
	size_t watch_count;
	struct object objects[MAX_OBJECTS];
	size_t object_count;
	mpvm_image_Timer timers[MAX_TIMERS];
	size_t timer_count;
	mpvm_image_PendingSignal pending[MAX_PENDING];
	size_t pending_count;
	struct kernel_area kernel[8];
	size_t kernel_count;
	struct {                        /* mapped from the restorer's own file */
		uintptr_t start, end;
		uint32_t protection;
	} segments[16];
	size_t segment_count;

	char text[TEXT_ROOM];
	size_t text_used;

	struct ckpt_in in;
	union {
		mpvm_image_Header header;
		mpvm_image_Round round;
		mpvm_image_Range range;
		mpvm_image_Area area;
		mpvm_image_Thread thread;
		mpvm_image_Pages pages;
		mpvm_image_SignalAction action;
		mpvm_image_Descriptor descriptor;
		mpvm_image_Data data;
		mpvm_image_Watch watch;
		mpvm_image_Timer timer;
		mpvm_image_End end;
	} message;
	uint8_t frame[65536];
	size_t frame_used;

	uint32_t epoch;
	uint32_t place_length;
	uint8_t place[1024];
};
extern struct restorer restorer;

/* main.c: says why to whoever can be told, and ends. */
void give_up(const char *code, const char *format, ...) __attribute__((noreturn));
bool fault(enum ckpt_fault point);
uint32_t keep_text(const char *text);
const char *text_at(uint32_t at);

/* link.c */
enum verdict { VERDICT_NONE, VERDICT_RECEIVE, VERDICT_GO, VERDICT_ABORT, VERDICT_LOST };
void link_open(void);
enum verdict link_wait(int timeout_ms);         /* one frame, or none in time */
enum verdict link_look(void);                   /* without waiting */
void link_say_hello(bool arrived);
void link_say_arrived(void);
void link_say_failed(const char *code, const char *text);
void link_reconnect(void);                      /* up to 60 s, else gives up */

/* image.c */
void receive_image(void);
void answer(uint32_t type, const pb_msgdesc_t *fields, const void *message);

/* room.c */
void make_room(void);
void place_kernel_areas(void);
bool is_kernel_area(uintptr_t start);
void compare_vdso(uintptr_t start, uint32_t count);
void want_kernel_area(const mpvm_image_Area *area);

/* memory.c */
void begin_round(void);
void add_area(const mpvm_image_Area *area);
void drop_range(uintptr_t start, uintptr_t end);
void zero_range(uintptr_t start, uintptr_t end);
void take_pages(uintptr_t start, uint32_t count);
void prefault_range(uintptr_t start, uintptr_t end);
void finish_memory(void);
struct area *area_at(uintptr_t address);
int object_descriptor(uint64_t inode, uint64_t size, const char *path);

/* descriptors.c */
void add_descriptor(const mpvm_image_Descriptor *descriptor);
void install_descriptors(void);
void install_link(void);
void move_up(int *fd, int above);

/* objects.c */
void add_data(const mpvm_image_Data *data);
void add_watch(const mpvm_image_Watch *watch);
long open_object(const struct descriptor *wanted);
void finish_objects(void);

/* sockets.c */
long open_socket(const struct descriptor *wanted);

/* threads.c */
void add_thread(const mpvm_image_Thread *thread);
void create_threads(void);
void let_threads_go(void);
void set_thread(const struct thread *thread);           /* the one that calls it */
void leave(struct thread *thread) __attribute__((noreturn));
const struct thread *thread_of(uint32_t old);           /* by its number at the source */

/* owners.c */
void note_locks(const struct area *area, uintptr_t start, uintptr_t end, const uint8_t *content);
void renumber_threads(void);

/* process.c */
void set_attributes(void);
void set_limits(void);
void set_action(const mpvm_image_SignalAction *action);
void become_task(void) __attribute__((noreturn));
#endif
