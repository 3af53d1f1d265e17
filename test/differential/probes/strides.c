/* Every type with a stride on either side, in both encodings that allow one. */
#include "probe.h"

#define ROUND(name, type, kind, print)                                          \
	do {                                                                    \
		type from[12], to[12];                                          \
		int i;                                                          \
									        \
		for (i = 0; i < 12; i++) {                                      \
			from[i] = (type)(i * 3 + 1);                            \
			to[i] = (type)0;                                        \
		}                                                               \
		pvm_initsend(kind);                                             \
		SHOW(pvm_pk##name(from, 4, 3));                                 \
		SHOW(length_of(pvm_getsbuf()));                                 \
		pvm_send(pvm_mytid(), 1);                                       \
		patient_recv(-1, 1);                                            \
		SHOW(pvm_upk##name(to, 4, 2));                                  \
		for (i = 0; i < 8; i++)                                         \
			printf(print " ", to[i]);                               \
		printf("\n");                                                   \
	} while (0)

static void all(int kind)
{
	ROUND(byte, char, kind, "%d");
	ROUND(short, short, kind, "%d");
	ROUND(ushort, unsigned short, kind, "%u");
	ROUND(int, int, kind, "%d");
	ROUND(uint, unsigned int, kind, "%u");
	ROUND(long, long, kind, "%ld");
	ROUND(ulong, unsigned long, kind, "%lu");
	ROUND(float, float, kind, "%g");
	ROUND(double, double, kind, "%g");
}

static void complex(int kind)
{
	double from[24], to[24];
	float single[24], back[24];
	int i;

	for (i = 0; i < 24; i++) {
		single[i] = (float)i;
		from[i] = i;
		back[i] = 0;
		to[i] = 0;
	}
	pvm_initsend(kind);
	SHOW(pvm_pkcplx(single, 3, 4));
	SHOW(pvm_pkdcplx(from, 3, 2));
	SHOW(length_of(pvm_getsbuf()));
	pvm_send(pvm_mytid(), 2);
	patient_recv(-1, 2);
	SHOW(pvm_upkcplx(back, 3, 2));
	SHOW(pvm_upkdcplx(to, 3, 3));
	for (i = 0; i < 18; i++)
		printf("%g/%g ", back[i], to[i]);
	printf("\n");
}

int main(void)
{
	start();
	all(PvmDataDefault);
	all(PvmDataRaw);
	complex(PvmDataDefault);
	complex(PvmDataRaw);
	SHOW(pvm_exit());
	return 0;
}
