/*
 * busy KIND FILE
 *
 * Does one kind of thing over and over and checks it each time, until a message comes: wherever a
 * move catches it, it must go on as if nothing had been.
 */
#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <sys/wait.h>

static unsigned long rounds;
static const char *file_name;

static void in_malloc(void)
{
	static unsigned char *kept[64];
	static size_t sizes[64];
	int slot = (int)(mix(rounds) % 64);

	if (kept[slot] && differs(kept[slot], sizes[slot], (uint64_t)slot) >= 0)
		die("malloc: a block is spoilt in round %lu", rounds);
	free(kept[slot]);
	sizes[slot] = mix(rounds * 3) % (rounds % 50 ? 2000 : 300000) + 1;
	kept[slot] = malloc(sizes[slot]);
	fill(kept[slot], sizes[slot], (uint64_t)slot);
}

static void in_printf(void)
{
	static FILE *file;

	if (!file && !(file = fopen(file_name, "w")))
		die("cannot write %s", file_name);
	fprintf(file, "%lu %a %s\n", rounds, sqrt((double)rounds), "some words to format");
}

static void in_system_call(void)
{
	static int zero = -1, pipes[2];
	char buffer[3000];
	struct timespec t;

	if (zero < 0)
		zero = open("/dev/zero", O_RDONLY);
	memset(buffer, 1, sizeof buffer);
	if (read(zero, buffer, sizeof buffer) != sizeof buffer || buffer[0] || buffer[2999])
		die("read of /dev/zero in round %lu: errno %d", rounds, errno);
	if (lseek(zero, 0, SEEK_CUR) < 0 || clock_gettime(CLOCK_REALTIME, &t) || getppid() < 0)
		die("a system call failed: errno %d", errno);
	(void)pipes;
}

static void in_child(void)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit((int)(rounds & 63));
	if (child < 0 || waitpid(child, &status, 0) != child || status != (int)(rounds & 63) << 8)
		die("a child in round %lu: status 0x%x errno %d", rounds, status, errno);
}

static int up(const void *a, const void *b)
{
	return *(const int *)a < *(const int *)b ? -1 : *(const int *)a > *(const int *)b;
}

static void in_computation(void)
{
	static int numbers[5000];
	static jmp_buf place;
	volatile int jumps = 0;
	int i;

	for (i = 0; i < 5000; i++)
		numbers[i] = (int)(mix(rounds + (uint64_t)i) >> 33);
	qsort(numbers, 5000, sizeof *numbers, up);
	for (i = 1; i < 5000; i++)
		if (numbers[i] < numbers[i - 1])
			die("qsort in round %lu", rounds);
	if (setjmp(place) < 10) {
		jumps++;
		longjmp(place, jumps);
	}
	if (jumps != 10)
		die("longjmp in round %lu", rounds);
}

static void in_memcpy(void)
{
	static unsigned char *a, *b;
	size_t n = 3 << 20;

	if (!a) {
		a = malloc(n);
		b = malloc(n);
		fill(a, n, 5);
	}
	memset(b, (int)rounds, n);
	memcpy(b, a, n);
	if (memcmp(a, b, n) || differs(b, n, 5) >= 0)
		die("memcpy in round %lu", rounds);
}

static void in_messages(void)
{
	int i, value = (int)rounds;

	pvm_initsend(rounds & 1 ? PvmDataRaw : PvmDataDefault);
	for (i = 0; i < 10; i++)
		pvm_pkint(&value, 1, 1);
	if (pvm_send(pvm_mytid(), 55) < 0 || pvm_recv(pvm_mytid(), 55) < 0)
		die("a message to itself in round %lu", rounds);
	for (i = 0; i < 10; i++)
		if (pvm_upkint(&value, 1, 1) < 0 || value != (int)rounds)
			die("a message to itself is spoilt in round %lu", rounds);
}

static void in_control(void)
{
	struct pvmhostinfo *hosts;
	struct pvmtaskinfo *tasks;
	int n, archs;

	if (pvm_config(&n, &archs, &hosts) < 0 || n < 1)
		die("pvm_config in round %lu", rounds);
	if (pvm_tasks(pvm_mytid(), &n, &tasks) < 0 || n != 1 || tasks->ti_tid != pvm_mytid())
		die("pvm_tasks in round %lu: %d", rounds, n);
	if (pvm_pstat(pvm_mytid()) != PvmOk)
		die("pvm_pstat in round %lu", rounds);
}

static void in_file(void)
{
	static int fd = -1;
	uint64_t back, value = mix(rounds);

	if (fd < 0 && (fd = open(file_name, O_RDWR | O_CREAT | O_TRUNC, 0600)) < 0)
		die("cannot write %s", file_name);
	if (write(fd, &value, 8) != 8)
		die("write in round %lu: errno %d", rounds, errno);
	if (pread(fd, &back, 8, (off_t)rounds * 8) != 8 || back != value)
		die("what was written in round %lu is not there", rounds);
	if (rounds % 100000 == 99999)
		lseek(fd, 0, SEEK_END);
}

static const struct {
	const char *name;
	void (*step)(void);
} kinds[] = {
	{ "malloc", in_malloc }, { "printf", in_printf }, { "syscall", in_system_call },
	{ "child", in_child }, { "compute", in_computation }, { "memcpy", in_memcpy },
	{ "message", in_messages }, { "control", in_control }, { "file", in_file },
};

int main(int argc, char **argv)
{
	void (*step)(void) = NULL;
	size_t i;

	if (argc != 3)
		return 2;
	for (i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (!strcmp(argv[1], kinds[i].name))
			step = kinds[i].step;
	if (!step)
		return 2;
	file_name = argv[2];
	pvm_mytid();
	printf("busy ready\n");
	fflush(stdout);
	do
		for (i = 0; i < 50; i++, rounds++)
			step();
	while (pvm_probe(-1, 1) <= 0 && rounds < 20000000ul);
	printf("busy ok %s\n", argv[1]);
	pvm_exit();
	return 0;
}
