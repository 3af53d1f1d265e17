/* Flags of pvm_spawn that choose the place, on a VM of one node; relations of the tasks. */
#include "probe.h"

int main(int argc, char **argv)
{
	static char *role[] = { "child", NULL };
	struct pvmhostinfo *hosts;
	int t[5], i, n, archs, *siblings;
	char where[256], text[512];
	char *name = own_name(argv);

	start();
	if (is_child(argc, argv, "child")) {
		n = pvm_siblings(&siblings);
		pvm_initsend(PvmDataDefault);
		pvm_pkint(&n, 1, 1);
		getcwd(text, sizeof text);
		pvm_pkstr(text);
		pvm_pkint(&argc, 1, 1);
		pvm_pkstr(argv[0]);
		pvm_send(pvm_parent(), 1);
		pvm_exit();
		return 0;
	}
	SHOW(pvm_siblings(&siblings));
	SHOW(siblings[0] == pvm_mytid());
	pvm_config(&n, &archs, &hosts);
	SHOW(pvm_spawn(name, role, PvmTaskHost, hosts[0].hi_name, 1, t));
	SHOW(pvm_spawn(name, role, PvmTaskHost, ".", 1, t + 1));
	SHOW(pvm_spawn(name, role, PvmTaskArch, hosts[0].hi_arch, 1, t + 2));
	snprintf(where, sizeof where, "%s:/usr", hosts[0].hi_name);
	SHOW(pvm_spawn(name, role, PvmTaskHost, where, 1, t + 3));
	SHOW(pvm_spawn(name, role, PvmTaskHost, ".:/var", 1, t + 4));
	for (i = 0; i < 5; i++) {
		if (t[i] <= 0 || patient_recv(t[i], 1) <= 0)
			continue;
		pvm_upkint(&n, 1, 1);
		pvm_upkstr(text);
		printf("%d sibling(s) %s", n, i >= 3 ? text : "");
		pvm_upkint(&n, 1, 1);
		pvm_upkstr(text);
		printf(" argc %d %s\n", n, text[0] == '/' ? "full path" : text);
	}
	SHOW(pvm_spawn(name, role, 0, "", 3, t));
	for (i = 0; i < 3; i++) {
		patient_recv(t[i], 1);
		pvm_upkint(&n, 1, 1);
		printf("%d siblings\n", n);
	}
	pvm_exit();
	return 0;
}
