/*
 * contexts.c: message contexts. A message is received only in the context it was sent in.
 */
#include "api.h"

int pvm_getcontext(void)
{
	pvmi_begin(PVMI_ANYWHERE);
	pvmi_tev_entry(TEV_GETCONTEXT);
	pvmi_tev_exit(TEV_GETCONTEXT, (int)pvmi->current_context);
	pvmi_end_quietly(PvmOk);
	return (int)pvmi->current_context;
}

int pvm_setcontext(int context)
{
	int old;

	pvmi_begin(PVMI_ANYWHERE);
	pvmi_tev_entry(TEV_SETCONTEXT, context);
	old = (int)pvmi->current_context;
	pvmi_api_set_context((uint32_t)context);
	pvmi_tev_exit(TEV_SETCONTEXT, old);
	pvmi_end_quietly(PvmOk);
	return old;
}

int pvm_newcontext(void)
{
	static const mpvm_task_NewContext body = mpvm_task_NewContext_init_zero;
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_NEWCONTEXT);
	if (!result)
		result = pvmi_link_request(mpvm_task_ToDaemon_new_context_tag, mpvm_task_NewContext_fields, &body,
					   PVMI_REPEAT, NULL);
	pvmi_tev_exit(TEV_NEWCONTEXT, result);
	return pvmi_end("pvm_newcontext", result);
}

int pvm_freecontext(int context)
{
	mpvm_task_FreeContext body = { .context = (uint32_t)context };
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_FREECONTEXT, context);
	if (!result)
		result = pvmi_link_request(mpvm_task_ToDaemon_free_context_tag, mpvm_task_FreeContext_fields, &body,
					   PVMI_ONCE, NULL);
	pvmi_tev_exit(TEV_FREECONTEXT, result);
	return pvmi_end("pvm_freecontext", result);
}
