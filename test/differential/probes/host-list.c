/* pvm_config, pvm_mstat, pvm_tidtohost, pvm_archcode, pvm_hostsync and the version. */
#include "probe.h"

int main(void)
{
	struct pvmhostinfo *h;
	struct timeval clock, delta;
	int n, archs, me = start();

	pvm_setopt(PvmAutoErr, 0);
	SHOW(pvm_config(&n, &archs, &h));
	SHOW(archs);
	SHOW(h[0].hi_tid == pvm_tidtohost(me));
	printf("%s speed %d signature 0x%x\n", h[0].hi_arch, h[0].hi_speed, h[0].hi_dsig);
	SHOW(pvm_config(NULL, NULL, NULL));
	SHOW(pvm_config(&n, &archs, &h));         /* the list before is gone */
	SHOW(pvm_mstat(h[0].hi_name));
	SHOW(pvm_mstat("no.such.host"));
	SHOW(pvm_mstat(""));
	SHOW(pvm_tidtohost(0x40007) == 0x40000);
	SHOW(pvm_tidtohost(0x3ffc0001) == 0x3ffc0000);
	SHOW(pvm_tidtohost(0));
	SHOW(pvm_tidtohost(-1) != 0);
	SHOW(pvm_archcode("LINUX64"));
	SHOW(pvm_archcode("NOARCH"));
	SHOW(pvm_hostsync(pvm_tidtohost(me), &clock, &delta));
	SHOW(clock.tv_sec > 1000000000);
	SHOW(delta.tv_sec >= -2 && delta.tv_sec <= 1);
	SHOW(delta.tv_usec >= 0 && delta.tv_usec < 1000000);
	SHOW(pvm_hostsync(0x3ffc0000, &clock, &delta));
	printf("version %s\n", pvm_version());
	pvm_exit();
	return 0;
}
