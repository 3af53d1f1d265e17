/*
 * heat: diffusion in a square plate, a PVM program.
 *
 *   heat [-w WORKERS] [-n SIZE] [-s STEPS] [-p PROGRESS]
 *
 * The plate is SIZE x SIZE cells, cut into WORKERS bands of rows. In every step each worker sends
 * its first and last row to the workers above and below, receives theirs, and computes its band
 * anew. The first task is the master: it starts the workers, prints progress, puts the plate
 * together at the end and prints a checksum of every bit of it.
 *
 * The answer depends on the arguments alone, not on the number of workers, on timing, or on where
 * the workers run. Each row carries the number of its step, so a message that was lost, doubled or
 * overtaken is noticed at once.
 */
#include <pvm3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	TAG_START = 1,    /* master to worker: what to compute, who the neighbours are */
	TAG_ROW = 2,      /* worker to worker: step number, one row */
	TAG_PROGRESS = 3, /* first worker to master: step number */
	TAG_BAND = 4,     /* worker to master: its rows at the end */
	TAG_LOST = 5,     /* notice: a worker has ended before its time */
	MAX_WORKERS = 256,
};

struct job {
	int workers, size, steps, progress;
};

static void fail(const char *what)
{
	fprintf(stderr, "heat: %s\n", what);
	pvm_exit();
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ------------------------------------------------------------------ worker */

struct band {
	int first, rows, size;  /* rows first .. first + rows - 1 of the plate */
	double *cells, *next;   /* rows + 2 each: one row of each neighbour around them */
};

static double *row(double *cells, int size, int index)
{
	return cells + (size_t)index * (size_t)size;
}

/* The plate at step 0: a hot rim above, a warm spot, and a pattern that makes every cell differ. */
static double initial(int size, int y, int x)
{
	if (y == 0)
		return 100.0;
	if (abs(y - size / 3) < size / 8 && abs(x - size / 2) < size / 8)
		return 60.0;
	return (double)((y * 31 + x * 17) % 64) / 8.0;
}

static void band_init(struct band *band, int index, const struct job *job)
{
	band->size = job->size;
	band->first = (int)((long)job->size * index / job->workers);
	band->rows = (int)((long)job->size * (index + 1) / job->workers) - band->first;
	band->cells = calloc((size_t)(band->rows + 2) * (size_t)band->size, sizeof(double));
	band->next = calloc((size_t)(band->rows + 2) * (size_t)band->size, sizeof(double));
	if (!band->cells || !band->next)
		fail("out of memory");
	for (int y = 0; y < band->rows; y++)
		for (int x = 0; x < band->size; x++)
			row(band->cells, band->size, y + 1)[x] =
				initial(band->size, band->first + y, x);
}

static void send_row(int tid, int step, double *cells, int size)
{
	pvm_initsend(PvmDataRaw);
	pvm_pkint(&step, 1, 1);
	pvm_pkdouble(cells, size, 1);
	if (pvm_send(tid, TAG_ROW) < 0)
		fail("cannot send a row");
}

static void receive_row(int tid, int step, double *cells, int size)
{
	int sent = -1;

	if (pvm_recv(tid, TAG_ROW) < 0)
		fail("cannot receive a row");
	pvm_upkint(&sent, 1, 1);
	pvm_upkdouble(cells, size, 1);
	if (sent != step) {
		char text[80];

		snprintf(text, sizeof(text), "step %d: the row from t%x is of step %d", step, tid, sent);
		fail(text);
	}
}

/* Cells at the rim of the plate keep their temperature. */
static void compute(struct band *band)
{
	int size = band->size;

	for (int y = 1; y <= band->rows; y++) {
		const double *above = row(band->cells, size, y - 1);
		const double *here = row(band->cells, size, y);
		const double *below = row(band->cells, size, y + 1);
		double *out = row(band->next, size, y);
		int plate_row = band->first + y - 1;

		if (plate_row == 0 || plate_row == size - 1) {
			memcpy(out, here, (size_t)size * sizeof(double));
			continue;
		}
		out[0] = here[0];
		out[size - 1] = here[size - 1];
		for (int x = 1; x < size - 1; x++)
			out[x] = here[x] +
				 0.2 * (above[x] + below[x] + here[x - 1] + here[x + 1] - 4.0 * here[x]);
	}
	double *swap = band->cells;
	band->cells = band->next;
	band->next = swap;
}

static void worker(int master)
{
	struct job job;
	struct band band;
	int index, above, below;

	pvm_recv(master, TAG_START);
	pvm_upkint(&index, 1, 1);
	pvm_upkint(&job.workers, 1, 1);
	pvm_upkint(&job.size, 1, 1);
	pvm_upkint(&job.steps, 1, 1);
	pvm_upkint(&job.progress, 1, 1);
	pvm_upkint(&above, 1, 1);
	pvm_upkint(&below, 1, 1);
	band_init(&band, index, &job);

	for (int step = 0; step < job.steps; step++) {
		if (above)
			send_row(above, step, row(band.cells, band.size, 1), band.size);
		if (below)
			send_row(below, step, row(band.cells, band.size, band.rows), band.size);
		if (above)
			receive_row(above, step, row(band.cells, band.size, 0), band.size);
		if (below)
			receive_row(below, step, row(band.cells, band.size, band.rows + 1), band.size);
		compute(&band);
		if (index == 0 && job.progress && (step + 1) % job.progress == 0) {
			int done = step + 1;

			pvm_initsend(PvmDataDefault);
			pvm_pkint(&done, 1, 1);
			pvm_send(master, TAG_PROGRESS);
		}
	}
	pvm_initsend(PvmDataRaw);
	pvm_pkint(&index, 1, 1);
	for (int y = 1; y <= band.rows; y++)
		pvm_pkdouble(row(band.cells, band.size, y), band.size, 1);
	pvm_send(master, TAG_BAND);
	free(band.cells);
	free(band.next);
}

/* ------------------------------------------------------------------ master */

static void start_workers(const char *program, const struct job *job, int *tids)
{
	char *arguments[] = { NULL };
	int started = pvm_spawn((char *)program, arguments, PvmTaskDefault, "", job->workers, tids);

	if (started < job->workers) {
		fprintf(stderr, "heat: started %d of %d workers\n", started < 0 ? 0 : started,
			job->workers);
		for (int i = 0; i < started; i++)
			pvm_kill(tids[i]);
		pvm_exit();
		exit(1);
	}
	pvm_notify(PvmTaskExit, TAG_LOST, job->workers, tids);
	for (int i = 0; i < job->workers; i++) {
		int above = i > 0 ? tids[i - 1] : 0;
		int below = i + 1 < job->workers ? tids[i + 1] : 0;

		pvm_initsend(PvmDataDefault);
		pvm_pkint(&i, 1, 1);
		pvm_pkint((int *)&job->workers, 1, 1);
		pvm_pkint((int *)&job->size, 1, 1);
		pvm_pkint((int *)&job->steps, 1, 1);
		pvm_pkint((int *)&job->progress, 1, 1);
		pvm_pkint(&above, 1, 1);
		pvm_pkint(&below, 1, 1);
		pvm_send(tids[i], TAG_START);
	}
}

/* FNV-1a over every bit of the plate, in order. */
static uint64_t checksum(const double *plate, size_t cells)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < cells; i++) {
		uint64_t bits;

		memcpy(&bits, &plate[i], sizeof(bits));
		for (int byte = 0; byte < 8; byte++) {
			hash ^= (bits >> (8 * byte)) & 0xff;
			hash *= 0x100000001b3u;
		}
	}
	return hash;
}

static void receive_band(const struct job *job, double *plate)
{
	int index;

	pvm_upkint(&index, 1, 1);
	int first = (int)((long)job->size * index / job->workers);
	int end = (int)((long)job->size * (index + 1) / job->workers);
	for (int y = first; y < end; y++)
		if (pvm_upkdouble(row(plate, job->size, y), job->size, 1) < 0)
			fail("a band is too short");
}

static void lost(const int *tids, int workers, const int *finished)
{
	int tid;

	pvm_upkint(&tid, 1, 1);
	for (int i = 0; i < workers; i++)
		if (tids[i] == tid && finished[i])
			return;
	for (int i = 0; i < workers; i++)
		if (tids[i] != tid)
			pvm_kill(tids[i]);
	fprintf(stderr, "heat: worker t%x is lost\n", tid);
	pvm_exit();
	exit(1);
}

static void master(const char *program, const struct job *job)
{
	int tids[MAX_WORKERS], finished[MAX_WORKERS] = { 0 };
	size_t cells = (size_t)job->size * (size_t)job->size;
	double *plate = calloc(cells, sizeof(double));
	double started = now();

	if (!plate)
		fail("out of memory");
	start_workers(program, job, tids);
	printf("heat: plate of %d x %d, %d steps, %d workers:", job->size, job->size, job->steps,
	       job->workers);
	for (int i = 0; i < job->workers; i++)
		printf(" t%x", tids[i]);
	printf("\n");
	fflush(stdout);
	for (int bands = 0; bands < job->workers;) {
		int buffer = pvm_recv(-1, -1), length, tag, source, done;

		if (buffer < 0)
			fail("cannot receive");
		pvm_bufinfo(buffer, &length, &tag, &source);
		if (tag == TAG_PROGRESS) {
			pvm_upkint(&done, 1, 1);
			printf("heat: step %d of %d\n", done, job->steps);
			fflush(stdout);
		} else if (tag == TAG_BAND) {
			for (int i = 0; i < job->workers; i++)
				finished[i] |= tids[i] == source;
			receive_band(job, plate);
			bands++;
		} else if (tag == TAG_LOST) {
			lost(tids, job->workers, finished);
		}
	}
	printf("heat: done in %.2f s\n", now() - started);
	printf("heat: checksum %016llx\n", (unsigned long long)checksum(plate, cells));
	fflush(stdout);
	free(plate);
}

static int number(const char *text, int least, int most, const char *what)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*end || end == text || value < least || value > most) {
		fprintf(stderr, "heat: %s must be a number from %d to %d, not '%s'\n", what, least, most,
			text);
		exit(2);
	}
	return (int)value;
}

int main(int argc, char **argv)
{
	struct job job = { .workers = 4, .size = 512, .steps = 1000, .progress = 0 };
	char program[4096];
	int option;

	while ((option = getopt(argc, argv, "w:n:s:p:")) != -1) {
		if (option == 'w')
			job.workers = number(optarg, 1, MAX_WORKERS, "the number of workers");
		else if (option == 'n')
			job.size = number(optarg, 8, 20000, "the size");
		else if (option == 's')
			job.steps = number(optarg, 0, 100000000, "the number of steps");
		else if (option == 'p')
			job.progress = number(optarg, 0, 100000000, "the progress interval");
		else
			return 2;
	}
	if (job.workers > job.size)
		job.workers = job.size;

	if (pvm_mytid() < 0) {
		fprintf(stderr, "heat: there is no virtual machine to run on\n");
		return 1;
	}
	/* A worker is told what to do by its parent; who has none is the master. mpvm run and the
	 * PVM console start tasks that have no parent to speak of. */
	int parent = pvm_parent();
	if (parent > 0) {
		worker(parent);
	} else {
		/* The workers are this very file, wherever PVM would look for programs. */
		if (!strchr(argv[0], '/') || !realpath(argv[0], program))
			snprintf(program, sizeof(program), "%s", argv[0]);
		master(program, &job);
	}
	pvm_exit();
	return 0;
}
