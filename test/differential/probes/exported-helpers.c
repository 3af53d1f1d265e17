/* Functions that PVM exports and its header does not declare. */
#define NOTMPNAM
#include <stdarg.h>
#include "probe.h"

extern int pvmmytid;
extern char *pvmmytaskname;
char *pvmnametag(int tag, int *known), *pvmtmpnam(char *name), *pvmgethome(void);
int pvmstrtoi(char *), pvmxtoi(char *), errnamecode(char *), pvmgetdsig(void), pvmputenv(char *), pvmsettaskname(char *);
int pvmupkstralloc(char **), lpvmerr(const char *, int), pvmbeatask(void), pvmendtask(void);
int pvm_vpackf(const char *, va_list), pvm_vunpackf(const char *, va_list);
void *i_malloc(unsigned int, char *), *i_realloc(void *, unsigned int), i_free(void *), pvmsleep(int);
void *pvm_alloc(unsigned int, char *), *pvm_realloc(void *, unsigned int);
void pvm_free(void *), pvmgetclock(struct timeval *), pvmbailout(int);

static int pack(const char *format, ...)
{
	va_list arguments;
	int result;

	va_start(arguments, format);
	result = pvm_vpackf(format, arguments);
	va_end(arguments);
	return result;
}

static int unpack(const char *format, ...)
{
	va_list arguments;
	int result;

	va_start(arguments, format);
	result = pvm_vunpackf(format, arguments);
	va_end(arguments);
	return result;
}

static void tag(int number)
{
	int known = -9;
	char *name = pvmnametag(number, &known);

	printf("tag %x %s %d\n", (unsigned int)number, name, known);
}

static void numbers(void)
{
	int family, i;

	SHOW(pvmstrtoi("12"));
	SHOW(pvmstrtoi("0x1f"));
	SHOW(pvmstrtoi("017"));
	SHOW(pvmstrtoi("abc"));
	SHOW(pvmstrtoi(""));
	SHOW(pvmstrtoi("-5"));
	SHOW(pvmxtoi("1f"));
	SHOW(pvmxtoi("0x1F"));
	SHOW(pvmxtoi("40001z"));
	SHOW(pvmxtoi("80040001"));
	SHOW(errnamecode("PvmBadParam"));
	SHOW(errnamecode("PvmIPLoopback"));
	SHOW(errnamecode("PvmNoHost"));
	SHOW(errnamecode("PvmOk"));
	SHOW(errnamecode("EINVAL"));
	SHOW(errnamecode("pvmbadparam"));
	SHOW(pvmgetdsig());
	for (family = 1; family <= 4; family++)
		for (i = 0; i < 32; i++)
			tag((int)(0x80000000u + family * 0x10000u + i));
	tag(0);
	tag(5);
	tag(-5);
}

static void memory(void)
{
	char *text = strcpy(i_malloc(4, "here"), "abc");

	text = i_realloc(text, 4000);
	puts(text);
	i_free(text);
	text = strcpy(pvm_alloc(4, "here"), "def");
	text = pvm_realloc(text, 4000);
	puts(text);
	pvm_free(text);
}

static void names(void)
{
	char room[128] = "";
	struct pvmtaskinfo *list;
	int n = 0;

	SHOW(pvmtmpnam(room) == room);
	SHOW(access(room, F_OK));
	SHOW(strcmp(pvmtmpnam(NULL), room) != 0);
	SHOW(strncmp(room, pvmgettmp(), strlen(pvmgettmp())));
	SHOW(strcmp(pvmgethome(), getenv("HOME")));
	SHOW(pvmputenv("PROBE_NAME=value"));
	puts(getenv("PROBE_NAME"));
	SHOW(pvmsettaskname("a name"));
	puts(pvmmytaskname);
	SHOW(pvmbeatask());
	SHOW(pvmmytid > 0);
	SHOW(pvmsettaskname("another"));
	puts(pvmmytaskname);
	pvm_tasks(pvm_mytid(), &n, &list);
	printf("listed as '%s', flags %x\n", list[0].ti_a_out, list[0].ti_flag);
}

static void strings(void)
{
	char *text, room[20];
	int i, five = 5000, number;

	pvm_initsend(PvmDataDefault);
	SHOW(pack("%s %d", "in a list", 7));
	pvm_pkstr("hello");
	pvm_pkstr("");
	pvm_pkint(&five, 1, 1);
	pvm_send(pvm_mytid(), 1);
	patient_recv(-1, 1);
	SHOW(unpack("%s %d", room, &number));
	printf("%s %d\n", room, number);
	for (i = 0; i < 4; i++) {
		text = (char *)-1;
		SHOW(pvmupkstralloc(&text));
		puts(text == (char *)-1 ? "untouched" : text ? text : "null");
		if (text != (char *)-1)
			free(text);
	}
}

int main(void)
{
	struct timeval now;

	setvbuf(stdout, NULL, _IOLBF, 0);
	numbers();
	memory();
	pvm_setopt(PvmAutoErr, 0);
	names();
	strings();
	SHOW(lpvmerr("probe", PvmMismatch));
	pvmgetclock(&now);
	SHOW(now.tv_sec > 1000000000);
	pvmsleep(0);
	pvmbailout(0);
	SHOW(pvmendtask());
	SHOW(pvmmytid);
	return 0;
}
