/* What the library prints by itself, pvm_perror, pvm_strerror and pvm_errno. */
#include "probe.h"

extern int pvm_errno;

int main(void)
{
	start();
	dup2(1, 2);
	pvm_send(0, 1);
	SHOW(pvm_errno);
	printf("%s\n", pvm_strerror());
	pvm_perror("own words");
	pvm_perror("");
	pvm_setopt(PvmAutoErr, 0);
	pvm_freebuf(9999);
	SHOW(pvm_errno);
	pvm_perror("quiet before");
	pvm_joingroup("");
	pvm_perror("group");
	pvm_setopt(PvmAutoErr, 1);
	pvm_upkint(NULL, 1, 1);
	pvm_recvinfo("nothing", 0, 0);
	pvm_lvgroup("nothing");
	pvm_spawn("nothing", NULL, 0, "", 0, NULL);
	pvm_mytid();
	SHOW(pvm_errno);
	printf("%s\n", pvm_strerror());
	pvm_exit();
	return 0;
}
