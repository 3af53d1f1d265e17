/* Which groups there are, who waits in them, and on which hosts members are: what PVM's tools ask. */
#include "probe.h"

int gs_getgstid(void);
int pvm_gsdump(char *group);
int pvm_grphostinfo(char *group, int host, int *coordinator, int *members, int *hosts);
int pvm_grpvhostinfo(char *group, int **coordinators, int **members, int *hosts);
extern int gstid;

static int member(void)
{
	pvm_joingroup("alpha");
	pvm_joingroup("beta");
	signal_to(pvm_parent(), 1);
	printf("member waits: %d\n", pvm_barrier("beta", 2));
	pvm_exit();
	return 0;
}

static void show_host(char *group, int host)
{
	int coordinator = -9, members = -9, hosts = -9;

	SHOW(pvm_grphostinfo(group, host, &coordinator, &members, &hosts));
	SIGN(coordinator);
	SHOW(members);
	SHOW(hosts);
}

static void show_hosts(char *group, int lowest)
{
	int *coordinators = NULL, *members = NULL, hosts = -9;

	SHOW(pvm_grpvhostinfo(group, &coordinators, &members, &hosts));
	SHOW(hosts);
	if (hosts == 1) {
		SHOW(coordinators[0] == lowest);
		SHOW(members[0]);
	}
}

/* Where it is printed differs: pvmd's log, or our output. */
static int dump(void)
{
	int saved, result;

	fflush(stdout);
	saved = dup(1);
	if (!freopen("/dev/null", "w", stdout))
		exit(1);
	result = pvm_gsdump("alpha");
	fflush(stdout);
	dup2(saved, 1);
	close(saved);
	return result;
}

/* Tids differ; who waits shows a moment after it has said so. */
static void show_state(const char *until)
{
	char command[400];

	fflush(stdout);
	snprintf(command, sizeof(command), "for i in 1 2 3 4 5 6 7 8 9 10; do pvm_gstat >state.$$; grep -q '%s' state.$$ && break; sleep 0.1; done; "
		 "sed 's/0x[0-9a-f]*/TID/g' state.$$; rm -f state.$$; pvmgroups >/dev/null; echo pvmgroups: $?", until);
	if (system(command))
		printf("pvm_gstat failed\n");
}

int main(int argc, char **argv)
{
	int me, tid, host;

	me = start();
	if (is_child(argc, argv, "member"))
		return member();
	pvm_setopt(PvmAutoErr, 0);
	SHOW(gstid);
	SIGN(gs_getgstid());
	SIGN(gstid);
	show_state("exist");
	host = pvm_tidtohost(me);
	show_host("none", host);
	SHOW(pvm_joingroup("alpha"));
	SHOW(pvm_joingroup("beta"));
	tid = child_of(argv, "member");
	SHOW(patient_recv(tid, 1) > 0);
	show_host("alpha", host);
	show_host("alpha", 0x3ffc0000);
	show_host("", host);
	show_hosts("alpha", me < tid ? me : tid);
	show_hosts("none", 0);
	SHOW(dump() >= 0);
	show_state("barrier_reached 1");
	SHOW(pvm_barrier("beta", 2));
	SHOW(pvm_lvgroup("alpha"));
	SHOW(pvm_lvgroup("beta"));
	SHOW(pvm_exit());
	return 0;
}
