/* Reduce, scatter and gather over a frozen group. */
#include "probe.h"

int main(int argc, char **argv)
{
	int i, me, members = 3, v[3], all[9], part[3], t[2];
	double d[2];

	start();
	me = pvm_joingroup("probe-collective");
	if (!is_child(argc, argv, "member"))
		for (i = 0; i < members - 1; i++)
			t[i] = child_of(argv, "member");
	i = pvm_freezegroup("probe-collective", members);
	if (me == 0)
		printf("freeze: %d\n", i);
	for (i = 0; i < 3; i++)
		v[i] = (me + 1) * (i + 1);
	i = pvm_reduce(PvmSum, v, 3, PVM_INT, 1, "probe-collective", 0);
	if (me == 0)
		printf("%d: sum %d %d %d\n", i, v[0], v[1], v[2]);
	d[0] = me * 1.5;
	d[1] = -me;
	i = pvm_reduce(PvmMax, d, 2, PVM_DOUBLE, 2, "probe-collective", 0);
	if (me == 0)
		printf("%d: max %g %g\n", i, d[0], d[1]);
	for (i = 0; i < 9; i++)
		all[i] = 100 + i;
	i = pvm_scatter(part, all, 3, PVM_INT, 3, "probe-collective", 0);
	if (me == 0)
		printf("%d: part %d %d\n", i, part[0], part[2]);
	for (i = 0; i < 3; i++)
		part[i] = -part[i];
	i = pvm_gather(all, part, 3, PVM_INT, 4, "probe-collective", 0);
	if (me == 0)
		for (i = 0; i < 9; i++)
			printf("gathered %d\n", all[i]);
	pvm_barrier("probe-collective", members);
	pvm_setopt(PvmAutoErr, 0);
	if (me == 0) {
		SHOW(pvm_reduce(PvmSum, v, 3, PVM_INT, 1, "no-group", 0));
		SHOW(pvm_gsize("probe-collective"));
	}
	pvm_barrier("probe-collective", members);
	pvm_lvgroup("probe-collective");
	(void)t;
	pvm_exit();
	return 0;
}
