/* groups.c: events of libgpvm3's functions. Apart from tev.c, which is linked without the public functions too. */
#include "../api/api.h"
#include "tev.h"

void pvmi_group_event(int event, int phase, ...)
{
	va_list values;

	if (!pvmi->traced && !pvmi->tracing->nested)
		return;
	pvmi_begin(PVMI_ANYWHERE);
	va_start(values, phase);
	pvmi_tev_outer_list(event, phase, &values);
	va_end(values);
	pvmi_end_quietly(PvmOk);
}
