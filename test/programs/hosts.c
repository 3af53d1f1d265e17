/*
 * hosts
 *
 * Changes the virtual machine as it is told, line by line on its standard input, and says what came of it:
 *
 *   add LINE [, LINE...]      pvm_addhosts: how many, then the info of each
 *   delete NAME [, NAME...]   pvm_delhosts, likewise
 *   conf                      names and host tids of pvm_config
 *   mstat NAME
 *   watch-add N               pvm_notify of HostAdd
 *   watch-host NAME           pvm_notify of HostDelete
 *   watch-tasks               pvm_notify of the end of each child
 *   spawn NAME                a child on that host
 *   tid                       pvm_mytid
 *   ask                       each child says where it is (uname) and how often it has been asked
 *   child-delete NAME         the last child calls pvm_delhosts: what it says, and where it is then
 *   notice SECONDS            the next notice: its kind and whom it is about
 *   quit
 *
 * Each answer is one line. With "child" as argument it is the child; with "start" and more, the first line is what
 * pvm_start_pvmd said to what came behind it.
 */
#include "common.h"

#include <sys/time.h>
#include <sys/utsname.h>

#define TAG_ASK 1
#define TAG_HERE 2
#define TAG_DELETE 3
#define TAG_DELETED 4
#define TAG_HOST_ADD 11
#define TAG_HOST_DELETE 12
#define TAG_TASK_EXIT 13

static int children[64], child_count;

static void child_delete(int parent)
{
	struct utsname name;
	char host[256], *hosts[1] = { host };
	int info = 1, result;

	pvm_upkstr(host);
	result = pvm_delhosts(hosts, 1, &info);
	uname(&name);
	pvm_initsend(PvmDataDefault);
	pvm_pkint(&result, 1, 1);
	pvm_pkint(&info, 1, 1);
	pvm_pkstr(name.nodename);
	pvm_send(parent, TAG_DELETED);
}

static void __attribute__((noreturn)) child(void)
{
	struct utsname name;
	int asked = 0, parent = pvm_parent(), tag;

	for (;;) {
		pvm_bufinfo(pvm_recv(parent, -1), NULL, &tag, NULL);
		if (tag == TAG_DELETE) {
			child_delete(parent);
			continue;
		}
		asked++;
		uname(&name);
		pvm_initsend(PvmDataDefault);
		pvm_pkint(&asked, 1, 1);
		pvm_pkstr(name.nodename);
		pvm_send(parent, TAG_HERE);
	}
}

static int split(char *line, char **parts, int limit)
{
	int n = 0;
	char *part;

	for (part = strtok(line, ","); part && n < limit; part = strtok(NULL, ","))
		parts[n++] = part + strspn(part, " ");
	return n;
}

static void change(int (*call)(char **, int, int *), char *line)
{
	char *parts[16];
	int infos[16] = { 0 }, n = split(line, parts, 16), i, result = call(parts, n, infos);

	printf("%d:", result);
	for (i = 0; i < n; i++)
		printf(" %d", infos[i] > 0 ? 1 : infos[i]);
	putchar('\n');
}

static int host_tid(const char *name)
{
	struct pvmhostinfo *hosts;
	int n = 0, i;

	pvm_config(&n, NULL, &hosts);
	for (i = 0; i < n; i++)
		if (!strcmp(hosts[i].hi_name, name))
			return hosts[i].hi_tid;
	return 0x3ffc0000;
}

static void conf(void)
{
	struct pvmhostinfo *hosts;
	int n = 0, i;

	pvm_config(&n, NULL, &hosts);
	for (i = 0; i < n; i++)
		printf("%s%s=t%x/%d", i ? " " : "", hosts[i].hi_name, hosts[i].hi_tid, hosts[i].hi_speed);
	putchar('\n');
}

static void spawn(char **argv, char *host)
{
	char *args[] = { "child", NULL };
	int tid = 0, n = pvm_spawn(own_name(argv), args, PvmTaskHost, host, 1, &tid);

	if (n == 1)
		children[child_count++] = tid;
	printf("%d t%x\n", n, tid);
}

static void ask(void)
{
	struct timeval limit = { 20, 0 };
	char name[256];
	int i, asked;

	for (i = 0; i < child_count; i++) {
		pvm_initsend(PvmDataDefault);
		pvm_send(children[i], TAG_ASK);
		if (pvm_trecv(children[i], TAG_HERE, &limit) <= 0) {
			printf("%s?", i ? " " : "");
			continue;
		}
		pvm_upkint(&asked, 1, 1);
		pvm_upkstr(name);
		printf("%s%s/%d", i ? " " : "", name, asked);
	}
	putchar('\n');
}

static void have_deleted(char *host)
{
	struct timeval limit = { 60, 0 };
	char name[256];
	int result, info;

	pvm_initsend(PvmDataDefault);
	pvm_pkstr(host);
	pvm_send(children[child_count - 1], TAG_DELETE);
	if (pvm_trecv(children[child_count - 1], TAG_DELETED, &limit) <= 0) {
		puts("no answer");
		return;
	}
	pvm_upkint(&result, 1, 1);
	pvm_upkint(&info, 1, 1);
	pvm_upkstr(name);
	printf("%d: %d %s\n", result, info, name);
}

static void notice(int patience)
{
	struct timeval limit = { patience, 0 };
	int mid, tag = 0, length = 0, tid = 0, count;

	for (tag = 0; tag < TAG_HOST_ADD;) {
		mid = pvm_trecv(-1, -1, &limit);
		if (mid <= 0) {
			puts("none");
			return;
		}
		pvm_bufinfo(mid, &length, &tag, NULL);
	}
	if (tag == TAG_HOST_ADD)
		pvm_upkint(&count, 1, 1);
	pvm_upkint(&tid, 1, 1);
	printf("%s t%x\n", tag == TAG_HOST_ADD ? "add" : tag == TAG_HOST_DELETE ? "delete" : "exit", tid);
}

static void obey(char **argv, char *line)
{
	char *word = strsep(&line, " ");
	int tid;

	if (!line)
		line = "";
	if (!strcmp(word, "add"))
		change(pvm_addhosts, line);
	else if (!strcmp(word, "delete"))
		change(pvm_delhosts, line);
	else if (!strcmp(word, "conf"))
		conf();
	else if (!strcmp(word, "mstat"))
		printf("%d\n", pvm_mstat(line));
	else if (!strcmp(word, "watch-add"))
		printf("%d\n", pvm_notify(PvmHostAdd, TAG_HOST_ADD, atoi(line), NULL));
	else if (!strcmp(word, "watch-host"))
		tid = host_tid(line), printf("%d t%x\n", pvm_notify(PvmHostDelete, TAG_HOST_DELETE, 1, &tid), tid);
	else if (!strcmp(word, "watch-tasks"))
		printf("%d\n", pvm_notify(PvmTaskExit, TAG_TASK_EXIT, child_count, children));
	else if (!strcmp(word, "spawn"))
		spawn(argv, line);
	else if (!strcmp(word, "tid"))
		printf("t%x\n", pvm_mytid());
	else if (!strcmp(word, "ask"))
		ask();
	else if (!strcmp(word, "child-delete"))
		have_deleted(line);
	else if (!strcmp(word, "notice"))
		notice(atoi(line));
	else
		printf("what is \"%s\"?\n", word);
}

int main(int argc, char **argv)
{
	static char line[4096];

	if (argc > 1 && !strcmp(argv[1], "child"))
		child();
	setvbuf(stdout, NULL, _IOLBF, 0);
	pvm_setopt(PvmAutoErr, 0);
	if (argc > 1 && !strcmp(argv[1], "start"))
		printf("%d\n", pvm_start_pvmd(argc - 2, argv + 2, 1));
	if (pvm_mytid() < 0)
		die("no virtual machine");
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		if (!strcmp(line, "quit"))
			break;
		obey(argv, line);
	}
	pvm_exit();
	return 0;
}
