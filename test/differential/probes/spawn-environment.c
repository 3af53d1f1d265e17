/* What a spawned task finds: variables exported, stdin, descriptors, arguments. */
#include "probe.h"

#include <dirent.h>

int main(int argc, char **argv)
{
	static char *arguments[] = { "child", "two words", "", "$HOME", "-x", NULL };
	char text[512];
	int i, n, fds = 0, tid;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (is_child(argc, argv, "child")) {
		DIR *d = opendir("/proc/self/fd");

		while (readdir(d))
			fds++;
		closedir(d);
		fds -= 3;
		pvm_mytid();
		pvm_initsend(PvmDataDefault);
		pvm_pkint(&argc, 1, 1);
		for (i = 1; i < argc; i++)
			pvm_pkstr(argv[i]);
		pvm_pkstr(getenv("PROBE_ONE") ? getenv("PROBE_ONE") : "none");
		pvm_pkstr(getenv("PROBE_TWO") ? getenv("PROBE_TWO") : "none");
		pvm_pkstr(getenv("PVM_EXPORT") ? getenv("PVM_EXPORT") : "none");
		memset(text, 0, sizeof text);
		readlink("/proc/self/fd/0", text, sizeof text - 1);
		pvm_pkstr(text);
		pvm_pkint(&fds, 1, 1);
		pvm_pkstr(getenv("PVMSOCK") ? "PVMSOCK" : "none");
		pvm_pkstr(getenv("PVMEPID") ? "PVMEPID" : "none");
		pvm_send(pvm_parent(), 1);
		pvm_exit();
		return 0;
	}
	setenv("PROBE_ONE", "first value", 1);
	setenv("PROBE_TWO", "second", 1);
	pvm_mytid();
	SHOW(pvm_export("PROBE_ONE"));
	SHOW(pvm_spawn(own_name(argv), arguments, 0, "", 1, &tid));
	if (patient_recv(tid, 1) <= 0)
		return 1;
	pvm_upkint(&n, 1, 1);
	SHOW(n);
	for (i = 1; i < n; i++) {
		pvm_upkstr(text);
		printf("'%s'\n", text);
	}
	for (i = 0; i < 4; i++) {
		pvm_upkstr(text);
		printf("%s\n", text);
	}
	pvm_upkint(&fds, 1, 1);
	SHOW(fds);
	for (i = 0; i < 2; i++) {
		pvm_upkstr(text);
		printf("%s\n", text);
	}
	SHOW(pvm_unexport("PROBE_ONE"));
	SHOW(pvm_unexport("PROBE_NONE"));
	SHOW(getenv("PVM_EXPORT") != NULL);
	pvm_exit();
	return 0;
}
