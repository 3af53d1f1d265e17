/* What code can do to memory and to the processor: machine NAME [MOVES]. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <immintrin.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "case.h"

/* Vector registers, all of them, hold values over many moves. */
__attribute__((target("avx2"), noinline)) static void spin_avx2(void)
{
	__m256i v[14], one = _mm256_set1_epi64x(1);
	uint64_t out[4], n = 0;
	int i;

	for (i = 0; i < 14; i++)
		v[i] = _mm256_set1_epi64x(hash(i));
	while (more()) {
		for (unsigned k = 0; k < 100000; k++, n++)
			for (i = 0; i < 14; i++)
				v[i] = _mm256_add_epi64(v[i], one);
	}
	for (i = 0; i < 14; i++) {
		_mm256_storeu_si256((__m256i *)out, v[i]);
		CHECK(out[0] == hash(i) + n && out[3] == hash(i) + n);
	}
}

__attribute__((target("avx512f"), noinline)) static void spin_avx512(void)
{
	__m512i v[28], one = _mm512_set1_epi64(1);
	__mmask8 odd = 0xaa;
	uint64_t out[8], n = 0;
	int i;

	for (i = 0; i < 28; i++)
		v[i] = _mm512_set1_epi64(hash(i));
	while (more()) {
		for (unsigned k = 0; k < 50000; k++, n++)
			for (i = 0; i < 28; i++)
				v[i] = _mm512_mask_add_epi64(v[i], odd, v[i], one);
	}
	for (i = 0; i < 28; i++) {
		_mm512_storeu_si512(out, v[i]);
		CHECK(out[0] == hash(i) && out[1] == hash(i) + n && out[7] == hash(i) + n);
	}
}

static void vectors(void)
{
	if (__builtin_cpu_supports("avx512f"))
		spin_avx512();
	else if (__builtin_cpu_supports("avx2"))
		spin_avx2();
}

/* The old coprocessor: a value on its stack, another rounding, and the SSE unit's, too. */
static void floats(void)
{
	volatile long double start = 1.0L;
	unsigned short control, is;
	unsigned mxcsr;

	__asm__ volatile("fnstcw %0" : "=m"(control));
	control = (control & ~0x0c00) | 0x0400;         /* round down */
	__asm__ volatile("fldcw %0" : : "m"(control));
	mxcsr = _mm_getcsr() | 0x6000;                  /* round to zero */
	_mm_setcsr(mxcsr);
	while (more()) {
		long double x = start;
		int i;

		for (i = 0; i < 20000; i++)
			x = x * 1.00001L + 1e-12L;
		CHECK(x > 1.2214L && x < 1.2215L);
		__asm__ volatile("fnstcw %0" : "=m"(is));
		CHECK(is == control && (_mm_getcsr() & 0x6000) == 0x6000);
	}
}

/* Code that was written at run time. */
static void jit(void)
{
	unsigned char *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned n = 0;

	while (more()) {
		CHECK(!mprotect(code, 4096, PROT_READ | PROT_WRITE));
		code[0] = 0xb8;                         /* mov $n, %eax; ret */
		memcpy(code + 1, &n, 4);
		code[5] = 0xc3;
		CHECK(!mprotect(code, 4096, PROT_READ | PROT_EXEC));
		for (int i = 0; i < 200; i++)
			CHECK(((unsigned (*)(void))code)() == n);
		n++;
	}
}

/* Libraries that come and go. */
static void libraries(void)
{
	while (more()) {
		void *library = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL);
		void *other = dlopen("libresolv.so.2", RTLD_LAZY);
		double (*cosine)(double) = library ? (double (*)(double))dlsym(library, "cos") : NULL;

		CHECK(cosine && cosine(0) == 1 && other);
		for (int i = 0; i < 100; i++)
			CHECK(cosine(i) <= 1);
		dlclose(other);
		dlclose(library);
	}
}

/* Huge pages where the kernel finds some, and what the program said about them. */
static void hugepages(void)
{
	size_t n = 8 << 20, i;
	unsigned round = 0;
	uint64_t *p = mmap(NULL, n + (2 << 20), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	p = (uint64_t *)(((uintptr_t)p + (2 << 20) - 1) & -(2ul << 20));
	madvise(p, n, MADV_HUGEPAGE);
	while (more()) {
		round++;
		for (i = 0; i < n / 8; i += 100)
			p[i] = hash(i + round);
		for (i = 0; i < n / 8; i += 100)
			CHECK(p[i] == hash(i + round));
		if (round % 50 == 0)
			CHECK(!madvise(p, 2 << 20, MADV_DONTNEED) && !p[0]);
	}
}

/* What smaps says of an address. */
static int has_flag(void *address, const char *flag)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	unsigned long start, end;
	char line[400];
	int inside = 0, found = 0;

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = (uintptr_t)address >= start && (uintptr_t)address < end;
		if (inside && !strncmp(line, "VmFlags:", 8))
			found = strstr(line + 8, flag) != NULL;
	}
	fclose(file);
	return found;
}

/* What the program has said of its memory is still known. */
static void advice(void)
{
	static const struct {
		int advice;
		const char *flag;
	} said[] = {
		{ MADV_DONTFORK, " dc" }, { MADV_DONTDUMP, " dd" }, { MADV_WIPEONFORK, " wf" }, { MADV_NOHUGEPAGE, " nh" },
		{ MADV_SEQUENTIAL, " sr" }, { MADV_RANDOM, " rr" }, { MADV_HUGEPAGE, " hg" },
	};
	enum { N = sizeof(said) / sizeof(said[0]) };
	char *area[N], *locked = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int known[N], i, may_lock = !mlock(locked, 16384);

	for (i = 0; i < N; i++) {
		area[i] = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mprotect(area[i] + 8192, 4096, PROT_NONE);
		known[i] = !madvise(area[i], 8192, said[i].advice);
	}
	while (more()) {
		until_moved();
		for (i = 0; i < N; i++)
			CHECK(!known[i] || has_flag(area[i], said[i].flag));
		CHECK(!may_lock || has_flag(locked, " lo"));
	}
}

/* A stack that the program has made itself: it grows on, there too. */
static void growing(void)
{
	size_t room = 64 << 20, used = 4096;
	char *low = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), *high = low + room;

	CHECK(!munmap(low, room));
	CHECK(mmap(high - 4096, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0) ==
	      high - 4096);
	while (more()) {
		until_moved();
		used += 4096;
		*(volatile char *)(high - used) = used >> 12;
		CHECK(*(volatile char *)(high - used + 4096) == (char)((used >> 12) - 1) || used == 8192);
	}
}

/* A page that must not be touched, and a handler that finds out. */
static sigjmp_buf caught;
static void *volatile fault_at;
static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	fault_at = info->si_addr;
	siglongjmp(caught, 1);
}

static void guards(void)
{
	char *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	CHECK(!mprotect(p + 4096, 4096, PROT_NONE));
	sigaction(SIGSEGV, &action, NULL);
	while (more()) {
		fault_at = NULL;
		if (!sigsetjmp(caught, 1)) {
			p[5000] = 1;
			CHECK(!"reached");
		}
		CHECK(fault_at == p + 5000);
		p[0]++;
		p[8192]++;
		CHECK(p[0] == p[8192]);
	}
}

static const struct test_case table[] = {
	{ "vectors", vectors }, { "floats", floats }, { "jit", jit }, { "libraries", libraries },
	{ "hugepages", hugepages }, { "guards", guards }, { "advice", advice },
	{ "growing", growing }, { NULL, NULL },
};

int main(int argc, char **argv)
{
	return run_case(table, argc, argv);
}
