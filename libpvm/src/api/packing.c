/*
 * packing.c: pvm_pk..., pvm_upk...: one function a type, all alike.
 */
#include "api.h"

static int pack(const char *function, int event, const void *values, int items, int stride, int type)
{
	struct pvmi_message *message;
	int result;

	pvmi_begin(PVMI_ANYWHERE);
	pvmi_tev_entry(event, (long)values, items, stride);
	message = pvmi_mid_message(pvmi->messages->send_mid);
	result = message ? pvmi_pack(message, values, items, stride, type) : PvmNoBuf;
	pvmi_tev_exit(event, result);
	return pvmi_end(function, result);
}

static int unpack(const char *function, int event, void *values, int items, int stride, int type)
{
	struct pvmi_message *message;
	int result;

	pvmi_begin(PVMI_ANYWHERE);
	pvmi_tev_entry(event, (long)values, items, stride);
	message = pvmi_mid_message(pvmi->messages->receive_mid);
	result = message ? pvmi_unpack(message, values, items, stride, type) : PvmNoBuf;
	pvmi_tev_exit(event, result);
	return pvmi_end(function, result);
}

#define BOTH(name, c_type, pvm_event)                                            \
int pvm_pk##name(c_type *values, int items, int stride)                         \
{                                                                               \
	return pack("pvm_pk" #name, TEV_PK##pvm_event, values, items, stride, PVM_##pvm_event);           \
}                                                                               \
int pvm_upk##name(c_type *values, int items, int stride)                        \
{                                                                               \
	return unpack("pvm_upk" #name, TEV_UPK##pvm_event, values, items, stride, PVM_##pvm_event);        \
}

BOTH(byte, char, BYTE)
BOTH(short, short, SHORT)
BOTH(int, int, INT)
BOTH(float, float, FLOAT)
BOTH(cplx, float, CPLX)
BOTH(double, double, DOUBLE)
BOTH(dcplx, double, DCPLX)
BOTH(long, long, LONG)
BOTH(ushort, unsigned short, USHORT)
BOTH(uint, unsigned int, UINT)
BOTH(ulong, unsigned long, ULONG)

int pvm_pkstr(char *string)
{
	struct pvmi_message *message;
	int result;

	pvmi_begin(PVMI_ANYWHERE);
	message = pvmi_mid_message(pvmi->messages->send_mid);
	pvmi_tev_entry(TEV_PKSTR, (long)string);
	result = message ? pvmi_pack_string(message, string) : PvmNoBuf;
	pvmi_tev_exit(TEV_PKSTR, result);
	return pvmi_end("pvm_pkstr", result);
}

int pvm_upkstr(char *string)
{
	struct pvmi_message *message;
	int result;

	pvmi_begin(PVMI_ANYWHERE);
	message = pvmi_mid_message(pvmi->messages->receive_mid);
	pvmi_tev_entry(TEV_UPKSTR, (long)string);
	result = message ? pvmi_unpack_string(message, string) : PvmNoBuf;
	pvmi_tev_exit(TEV_UPKSTR, result);
	return pvmi_end("pvm_upkstr", result);
}

/* A string that the caller frees. */
int pvmupkstralloc(char **text)
{
	struct pvmi_message *message;
	int result;

	pvmi_begin(PVMI_ANYWHERE);
	message = pvmi_mid_message(pvmi->messages->receive_mid);
	result = message ? pvmi_unpack_string_new(message, text) : PvmNoBuf;
	return pvmi_end_quietly(result);
}

static int pack_message(int mid, int (*pack_it)(struct pvmi_message *, struct pvmi_message *))
{
	struct pvmi_message *into = pvmi_mid_message(pvmi->messages->send_mid), *message;
	int error;

	if (!into)
		return PvmNoBuf;
	error = pvmi_mid_check(mid, &message);
	if (error)
		return error;
	return message == into ? PvmBadParam : pack_it(into, message);
}

int pvm_pkmesg(int mid)
{
	pvmi_begin(PVMI_ANYWHERE);
	return pvmi_end("pvm_pkmesg", pack_message(mid, pvmi_pack_nested));
}

int pvm_pkmesgbody(int mid)
{
	pvmi_begin(PVMI_ANYWHERE);
	return pvmi_end("pvm_pkmesgbody", pack_message(mid, pvmi_pack_body));
}

static int unpack_message(void)
{
	struct pvmi_message *from = pvmi_mid_message(pvmi->messages->receive_mid), *message;
	int result;

	if (!from)
		return PvmNoBuf;
	result = pvmi_unpack_nested(from, &message);
	if (result)
		return result;
	result = pvmi_mid_new(message);
	if (result < 0)
		pvmi_message_unref(message);
	return result;
}

int pvm_upkmesg(void)
{
	pvmi_begin(PVMI_ANYWHERE);
	return pvmi_end("pvm_upkmesg", unpack_message());
}
