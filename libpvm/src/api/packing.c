/*
 * packing.c: pvm_pk..., pvm_upk...: one function a type, all alike.
 */
#include "api.h"

static int pack(const char *function, const void *values, int items, int stride, int type)
{
	struct pvmi_message *message;
	int result;

	pvmi_begin(PVMI_ANYWHERE);
	message = pvmi_mid_message(pvmi->messages->send_mid);
	result = message ? pvmi_pack(message, values, items, stride, type) : PvmNoBuf;
	return pvmi_end(function, result);
}

static int unpack(const char *function, void *values, int items, int stride, int type)
{
	struct pvmi_message *message;
	int result;

	pvmi_begin(PVMI_ANYWHERE);
	message = pvmi_mid_message(pvmi->messages->receive_mid);
	result = message ? pvmi_unpack(message, values, items, stride, type) : PvmNoBuf;
	return pvmi_end(function, result);
}

#define BOTH(name, c_type, pvm_type)                                            \
int pvm_pk##name(c_type *values, int items, int stride)                         \
{                                                                               \
	return pack("pvm_pk" #name, values, items, stride, pvm_type);           \
}                                                                               \
int pvm_upk##name(c_type *values, int items, int stride)                        \
{                                                                               \
	return unpack("pvm_upk" #name, values, items, stride, pvm_type);        \
}

BOTH(byte, char, PVM_BYTE)
BOTH(short, short, PVM_SHORT)
BOTH(int, int, PVM_INT)
BOTH(float, float, PVM_FLOAT)
BOTH(cplx, float, PVM_CPLX)
BOTH(double, double, PVM_DOUBLE)
BOTH(dcplx, double, PVM_DCPLX)
BOTH(long, long, PVM_LONG)
BOTH(ushort, unsigned short, PVM_USHORT)
BOTH(uint, unsigned int, PVM_UINT)
BOTH(ulong, unsigned long, PVM_ULONG)

int pvm_pkstr(char *string)
{
	struct pvmi_message *message;
	int result;

	pvmi_begin(PVMI_ANYWHERE);
	message = pvmi_mid_message(pvmi->messages->send_mid);
	result = message ? pvmi_pack_string(message, string) : PvmNoBuf;
	return pvmi_end("pvm_pkstr", result);
}

int pvm_upkstr(char *string)
{
	struct pvmi_message *message;
	int result;

	pvmi_begin(PVMI_ANYWHERE);
	message = pvmi_mid_message(pvmi->messages->receive_mid);
	result = message ? pvmi_unpack_string(message, string) : PvmNoBuf;
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
