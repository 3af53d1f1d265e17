/* message_test.c: buffers, packing and matching through the public interface; nothing is sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>
#include <pvm3.h>

#include "message/message.h"
#include "message/swap.h"

static int length_of(int mid)
{
	int length = -1;

	pvm_bufinfo(mid, &length, NULL, NULL);
	return length;
}

/* What was packed becomes what is read. */
static void turn(void)
{
	pvm_setrbuf(pvm_getsbuf());
}

static int quiet(void **state)
{
	(void)state;
	pvm_setopt(PvmAutoErr, 0);
	return 0;
}

/* ------------------------------------------------------------------ sizes and values */

static void xdr_sizes_are_those_of_pvm(void **state)
{
	short s[3] = { 1, -2, 3 };
	int i[3] = { 1, 2, 3 };
	long l[2] = { 1, -2 };
	float f[2] = { 1.5f, -2.5f };
	double d[2] = { 1.5, -2.5 };
	int mid = pvm_initsend(PvmDataDefault);

	(void)state;
	assert_true(mid > 0);
	pvm_pkbyte("a", 1, 1);
	assert_int_equal(length_of(mid), 4);
	pvm_pkbyte("abcde", 5, 1);
	assert_int_equal(length_of(mid), 12);
	pvm_pkshort(s, 3, 1);
	assert_int_equal(length_of(mid), 24);
	pvm_pkint(i, 3, 1);
	assert_int_equal(length_of(mid), 36);
	pvm_pklong(l, 2, 1);
	assert_int_equal(length_of(mid), 44);
	pvm_pkfloat(f, 2, 1);
	assert_int_equal(length_of(mid), 52);
	pvm_pkdouble(d, 2, 1);
	assert_int_equal(length_of(mid), 68);
	pvm_pkstr("hello");
	assert_int_equal(length_of(mid), 80);
}

static void xdr_is_big_endian(void **state)
{
	static const uint8_t wire[] = { 1, 2, 3, 4, 0xff, 0xff, 0xff, 0xfe, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0 };
	struct pvmi_message *message;
	uint8_t bytes[sizeof(wire)];
	int i = 0x01020304;
	short s = -2;
	double d = 1.5;
	int mid = pvm_initsend(PvmDataDefault);

	(void)state;
	pvm_pkint(&i, 1, 1);
	pvm_pkshort(&s, 1, 1);
	pvm_pkdouble(&d, 1, 1);
	message = pvmi_mid_message(mid);
	pvmi_body_rewind(message);
	assert_true(pvmi_body_read(message, bytes, sizeof(bytes)));
	assert_memory_equal(bytes, wire, sizeof(wire));
}

static void numbers_keep_their_values(int encoding)
{
	short s[] = { 0, 1, -1, 32767, -32768 }, s2[5];
	unsigned short us[] = { 0, 65535 }, us2[2];
	int i[] = { 0, -1, 2147483647, -2147483647 - 1 }, i2[4];
	unsigned int u[] = { 0, 4294967295U }, u2[2];
	long l[] = { 0, -5, 2147483647L, -2147483648L }, l2[4];
	unsigned long ul[] = { 0, 4294967295UL }, ul2[2];
	float f[] = { 0.0f, -1.25f, 3e38f, 1, 2, 3 }, f2[6];
	double d[] = { 0.0, -1.25, 3e300, 1, 2, 3 }, d2[6];
	char text[16];

	pvm_initsend(encoding);
	assert_int_equal(pvm_pkshort(s, 5, 1), 0);
	assert_int_equal(pvm_pkushort(us, 2, 1), 0);
	assert_int_equal(pvm_pkint(i, 4, 1), 0);
	assert_int_equal(pvm_pkuint(u, 2, 1), 0);
	assert_int_equal(pvm_pklong(l, 4, 1), 0);
	assert_int_equal(pvm_pkulong(ul, 2, 1), 0);
	assert_int_equal(pvm_pkfloat(f, 6, 1), 0);
	assert_int_equal(pvm_pkcplx(f, 3, 1), 0);
	assert_int_equal(pvm_pkdouble(d, 6, 1), 0);
	assert_int_equal(pvm_pkdcplx(d, 3, 1), 0);
	if (encoding != PvmDataInPlace)
		assert_int_equal(pvm_pkstr("what now"), 0);
	turn();
	assert_int_equal(pvm_upkshort(s2, 5, 1), 0);
	assert_memory_equal(s, s2, sizeof(s));
	assert_int_equal(pvm_upkushort(us2, 2, 1), 0);
	assert_memory_equal(us, us2, sizeof(us));
	assert_int_equal(pvm_upkint(i2, 4, 1), 0);
	assert_memory_equal(i, i2, sizeof(i));
	assert_int_equal(pvm_upkuint(u2, 2, 1), 0);
	assert_memory_equal(u, u2, sizeof(u));
	assert_int_equal(pvm_upklong(l2, 4, 1), 0);
	assert_memory_equal(l, l2, sizeof(l));
	assert_int_equal(pvm_upkulong(ul2, 2, 1), 0);
	assert_memory_equal(ul, ul2, sizeof(ul));
	assert_int_equal(pvm_upkfloat(f2, 6, 1), 0);
	assert_memory_equal(f, f2, sizeof(f));
	assert_int_equal(pvm_upkcplx(f2, 3, 1), 0);
	assert_memory_equal(f, f2, sizeof(f));
	assert_int_equal(pvm_upkdouble(d2, 6, 1), 0);
	assert_memory_equal(d, d2, sizeof(d));
	assert_int_equal(pvm_upkdcplx(d2, 3, 1), 0);
	assert_memory_equal(d, d2, sizeof(d));
	if (encoding != PvmDataInPlace) {
		assert_int_equal(pvm_upkstr(text), 0);
		assert_string_equal(text, "what now");
	}
	assert_int_equal(pvm_upkint(i2, 1, 1), PvmNoData);
}

static void xdr_keeps_values(void **state) { (void)state; numbers_keep_their_values(PvmDataDefault); }
static void raw_keeps_values(void **state) { (void)state; numbers_keep_their_values(PvmDataRaw); }
static void in_place_keeps_values(void **state) { (void)state; numbers_keep_their_values(PvmDataInPlace); }

static void a_long_that_is_too_large_for_xdr_loses_its_upper_half(void **state)
{
	long big = (1L << 40) + 7, back = 0;

	(void)state;
	pvm_initsend(PvmDataDefault);
	assert_int_equal(pvm_pklong(&big, 1, 1), 0);
	turn();
	pvm_upklong(&back, 1, 1);
	assert_int_equal(back, 7);
}

static void strides_go_any_way(void **state)
{
	int from[] = { 1, 2, 3, 4, 5, 6 }, to[6] = { 0 };
	int encoding;

	(void)state;
	for (encoding = PvmDataDefault; encoding <= PvmDataRaw; encoding++) {
		pvm_initsend(encoding);
		assert_int_equal(pvm_pkint(from, 3, 2), 0);             /* 1 3 5 */
		assert_int_equal(pvm_pkint(from + 5, 3, -2), 0);        /* 6 4 2 */
		turn();
		assert_int_equal(pvm_upkint(to, 3, 2), 0);
		assert_int_equal(pvm_upkint(to + 1, 3, 2), 0);
		assert_int_equal(to[0], 1);
		assert_int_equal(to[1], 6);
		assert_int_equal(to[4], 5);
		assert_int_equal(to[5], 2);
	}
	pvm_initsend(PvmDataInPlace);
	assert_int_equal(pvm_pkint(from, 3, 2), PvmNotImpl);
	assert_int_equal(pvm_pkstr("text"), PvmNotImpl);
}

static void complex_strides_move_pairs(void **state)
{
	double from[] = { 1, 2, 3, 4, 5, 6 }, to[4] = { 0 };

	(void)state;
	pvm_initsend(PvmDataDefault);
	assert_int_equal(pvm_pkdcplx(from, 2, 2), 0);
	turn();
	assert_int_equal(pvm_upkdcplx(to, 2, 1), 0);
	assert_true(to[0] == 1 && to[1] == 2 && to[2] == 5 && to[3] == 6);
}

/* ------------------------------------------------------------------ bodies */

/* Many small packs make a body of several pieces; reading crosses their borders. */
static void a_body_of_many_pieces_reads_as_one(void **state)
{
	enum { COUNT = 50000 };
	double *all = malloc(COUNT * sizeof(*all));
	int i, mid = pvm_initsend(PvmDataDefault);

	(void)state;
	for (i = 0; i < COUNT; i++) {
		double d = i + 0.5;

		assert_int_equal(pvm_pkdouble(&d, 1, 1), 0);
	}
	assert_int_equal(length_of(mid), COUNT * 8);
	turn();
	assert_int_equal(pvm_upkint(&i, 1, 1), 0);      /* from here on off by four bytes */
	assert_int_equal(pvm_upkint(&i, 1, 1), 0);
	assert_int_equal(pvm_upkdouble(all, COUNT - 1, 1), 0);
	for (i = 0; i < COUNT - 1; i++)
		assert_true(all[i] == i + 1.5);
	free(all);
}

static void elements_across_pieces_are_put_together(void **state)
{
	struct pvmi_message *message = pvmi_message_new();
	uint8_t bytes[64];
	double d[7];
	int i;

	(void)state;
	for (i = 0; i < 8; i++) {
		double value = i;
		uint64_t bits;

		memcpy(&bits, &value, 8);
		bits = __builtin_bswap64(bits);
		memcpy(bytes + 8 * i, &bits, 8);
	}
	for (i = 0; i < 64; i += 5) {
		int length = i + 5 <= 64 ? 5 : 64 - i;
		struct pvmi_block *block = pvmi_block_private(8);

		memcpy(block->bytes, bytes + i, (size_t)length);
		assert_int_equal(pvmi_message_append(message, block, block->bytes, (size_t)length), 0);
	}
	assert_int_equal(pvmi_unpack(message, d, 7, 1, PVM_DOUBLE), 0);
	for (i = 0; i < 7; i++)
		assert_true(d[i] == i);
	assert_int_equal(pvmi_unpack(message, d, 2, 1, PVM_DOUBLE), PvmNoData);
	pvmi_message_unref(message);
}

static void a_snapshot_does_not_see_what_is_packed_later(void **state)
{
	int mid = pvm_initsend(PvmDataDefault), one = 1, two = 2, got = 0;
	struct pvmi_message *snapshot;

	(void)state;
	pvm_pkint(&one, 1, 1);
	snapshot = pvmi_message_snapshot(pvmi_mid_message(mid));
	pvm_pkint(&two, 1, 1);
	assert_int_equal(snapshot->length, 4);
	assert_int_equal(length_of(mid), 8);
	pvm_freebuf(mid);
	assert_int_equal(pvmi_unpack(snapshot, &got, 1, 1, PVM_INT), 0);
	assert_int_equal(got, 1);
	assert_int_equal(pvmi_unpack(snapshot, &got, 1, 1, PVM_INT), PvmNoData);
	pvmi_message_unref(snapshot);
}

static void in_place_data_is_read_when_it_is_sent(void **state)
{
	int mid = pvm_initsend(PvmDataInPlace), values[2] = { 1, 2 }, got[2];
	struct pvmi_message *snapshot;

	(void)state;
	pvm_pkint(values, 2, 1);
	assert_int_equal(length_of(mid), 0);
	values[0] = 10;
	snapshot = pvmi_message_snapshot(pvmi_mid_message(mid));
	values[1] = 20;
	assert_int_equal(snapshot->encoding, PVMI_ENC_RAW);
	assert_int_equal(pvmi_unpack(snapshot, got, 2, 1, PVM_INT), 0);
	assert_int_equal(got[0], 10);
	assert_int_equal(got[1], 2);
	pvmi_message_unref(snapshot);
}

/* ------------------------------------------------------------------ buffers */

static void bad_buffers_are_told_apart(void **state)
{
	int value = 0;

	(void)state;
	assert_int_equal(pvm_initsend(99), PvmBadParam);
	assert_int_equal(pvm_initsend(-1), PvmBadParam);
	assert_int_equal(pvm_freebuf(0), 0);
	assert_int_equal(pvm_freebuf(-1), PvmBadParam);
	assert_int_equal(pvm_freebuf(9999), PvmNoSuchBuf);
	assert_int_equal(pvm_setsbuf(777), PvmNoSuchBuf);
	assert_int_equal(pvm_setrbuf(-3), PvmBadParam);
	assert_int_equal(pvm_bufinfo(0, NULL, NULL, NULL), PvmBadParam);
	assert_int_equal(pvm_bufinfo(999, NULL, NULL, NULL), PvmNoSuchBuf);
	pvm_freebuf(pvm_setsbuf(0));
	pvm_setrbuf(0);
	assert_int_equal(pvm_pkint(&value, 1, 1), PvmNoBuf);
	assert_int_equal(pvm_upkint(&value, 1, 1), PvmNoBuf);
	pvm_initsend(PvmDataDefault);
	assert_int_equal(pvm_pkint(&value, -1, 1), PvmBadParam);
}

static void a_buffer_is_active_for_one_purpose(void **state)
{
	int mid = pvm_initsend(PvmDataDefault);

	(void)state;
	pvm_setrbuf(mid);
	assert_int_equal(pvm_getrbuf(), mid);
	assert_int_equal(pvm_getsbuf(), 0);
	assert_int_equal(pvm_setsbuf(mid), 0);
	assert_int_equal(pvm_getrbuf(), 0);
	pvm_freebuf(mid);
	assert_int_equal(pvm_getsbuf(), 0);
}

static void mids_stay_few(void **state)
{
	int i, highest = 0;

	(void)state;
	for (i = 0; i < 10000; i++) {
		int mid = pvm_initsend(PvmDataDefault);

		if (mid > highest)
			highest = mid;
	}
	assert_true(highest < 16);
}

/* ------------------------------------------------------------------ messages in messages, formats */

static void a_message_travels_in_a_message(void **state)
{
	int inner, outer, value[3] = { 5, 6, 7 }, got[3], encoding;
	struct pvmminfo info = { 0 };

	(void)state;
	for (encoding = PvmDataDefault; encoding <= PvmDataRaw; encoding++) {
		inner = pvm_mkbuf(PvmDataDefault);
		pvm_setsbuf(inner);
		pvm_pkint(value, 3, 1);
		info.tag = 44;
		info.wid = 77;
		pvm_setminfo(inner, &info);
		outer = pvm_mkbuf(encoding);
		pvm_setsbuf(outer);
		assert_int_equal(pvm_pkmesg(inner), 0);
		assert_int_equal(length_of(outer), 48);
		assert_int_equal(pvm_pkmesg(outer), PvmBadParam);
		assert_int_equal(pvm_pkmesg(999), PvmNoSuchBuf);
		assert_int_equal(pvm_pkmesgbody(inner), encoding == PvmDataDefault ? 0 : PvmMismatch);
		pvm_freebuf(inner);
		turn();
		inner = pvm_upkmesg();
		assert_true(inner > 0);
		pvm_freebuf(pvm_setrbuf(inner));
		pvm_getminfo(inner, &info);
		assert_int_equal(info.tag, 44);
		assert_int_equal(info.wid, 77);
		assert_int_equal(pvm_upkint(got, 3, 1), 0);
		assert_memory_equal(value, got, sizeof(got));
		pvm_freebuf(inner);
	}
}

static void a_nested_message_that_lies_about_its_length_is_refused(void **state)
{
	int fields[9] = { 1 << 20, 0, 0, 0, 0x10000000, 0, 0, 0, 1 << 20 };

	(void)state;
	pvm_initsend(PvmDataDefault);
	pvm_pkint(fields, 9, 1);
	turn();
	assert_int_equal(pvm_upkmesg(), PvmNoData);
	fields[0] = fields[8] = -4;
	pvm_initsend(PvmDataDefault);
	pvm_pkint(fields, 9, 1);
	turn();
	assert_int_equal(pvm_upkmesg(), PvmBadMsg);
}

static void formats_pack_and_unpack(void **state)
{
	int list[3] = { 7, 8, 9 }, got[3], i = 0;
	double d = 0;
	short s = 0;
	char c = 0, text[8];
	long l = 0;

	(void)state;
	assert_int_equal(pvm_packf("%+ %d %hd %ld %lf %s %c %3d %*.*d", PvmDataDefault, 1, 2, 3L, 4.5, "five", '6',
				   list, 2, 2, list), 0);
	assert_int_equal(pvm_packf("%z", 1), PvmBadParam);
	turn();
	assert_int_equal(pvm_unpackf("%d %hd %ld %lf %s %c %*d", &i, &s, &l, &d, text, &c, 3, got), 0);
	assert_true(i == 1 && s == 2 && l == 3 && d == 4.5 && c == '6');
	assert_string_equal(text, "five");
	assert_memory_equal(list, got, sizeof(list));
	assert_int_equal(pvm_unpackf("%2d", got), 0);
	assert_true(got[0] == 7 && got[1] == 9);
}

/* ------------------------------------------------------------------ matching */

static void arrive(int source, int tag, unsigned int context)
{
	struct pvmi_message *message = pvmi_message_new();

	message->source = (uint32_t)source;
	message->tag = tag;
	message->context = context;
	pvmi_message_arrived(message);
}

/* tag * 1000 + source of what is taken, or 0. */
static int take(int tid, int tag)
{
	int error, result;
	struct pvmi_message *message = pvmi_queue_take(tid, tag, 0, &error);

	if (!message)
		return error;
	result = message->tag * 1000 + (int)message->source;
	if (message->mid)
		pvmi_mid_free(message->mid);
	pvmi_message_unref(message);
	return result;
}

static void the_oldest_match_is_taken(void **state)
{
	(void)state;
	arrive(1, 5, 0);
	arrive(2, 5, 0);
	arrive(1, 6, 0);
	arrive(1, 5, 0);
	assert_int_equal(take(2, 6), 0);
	assert_int_equal(take(1, 6), 6001);
	assert_int_equal(take(2, -1), 5002);
	assert_int_equal(take(-1, 5), 5001);
	assert_int_equal(take(-1, -1), 5001);
	assert_int_equal(take(-1, -1), 0);
}

static void another_context_does_not_match(void **state)
{
	(void)state;
	arrive(1, 5, 9);
	assert_int_equal(take(-1, -1), 0);
	pvm_setcontext(9);
	assert_int_equal(take(-1, -1), 5001);
	pvm_setcontext(0);
}

static void only_new_arrivals_are_looked_at_again(void **state)
{
	struct pvmi_message *message;
	uint64_t seen;
	int error;

	(void)state;
	arrive(1, 5, 0);
	arrive(1, 6, 0);
	seen = pvmi->messages->arrivals;
	assert_null(pvmi_queue_take(1, 5, seen, &error));
	arrive(1, 5, 0);
	message = pvmi_queue_take(1, 5, seen, &error);
	assert_non_null(message);
	pvmi_message_unref(message);
	assert_int_equal(take(1, 5), 5001);
	assert_int_equal(take(1, 6), 6001);
}

static int by_rank(int mid, int tid, int tag)
{
	struct pvmminfo info;

	(void)tid;
	(void)tag;
	pvm_getminfo(mid, &info);
	return info.tag;
}

static void a_match_function_of_the_program_ranks(void **state)
{
	int (*old)(int, int, int) = pvm_recvf(by_rank);

	(void)state;
	assert_non_null(old);
	arrive(1, 3, 0);
	arrive(1, 9, 0);
	arrive(1, 0, 0);
	arrive(1, 1, 0);
	arrive(1, 99, 0);
	assert_int_equal(take(-1, -1), 1001);
	assert_int_equal(take(-1, -1), 99001);
	assert_int_equal(take(-1, -1), 9001);
	assert_int_equal(take(-1, -1), 3001);
	assert_int_equal(take(-1, -1), 0);
	arrive(1, -7, 0);
	assert_int_equal(take(-1, -1), -7);
	assert_ptr_equal(pvm_recvf(old), by_rank);
	assert_int_equal(take(-1, -7), -6999);
	assert_int_equal(take(-1, 0), 1);
}

/* ------------------------------------------------------------------ handlers */

static int handled, handled_rbuf;

static int count_it(int mid)
{
	handled++;
	handled_rbuf = pvm_getrbuf() == mid && !pvm_getsbuf();
	return 0;
}

static void handlers_take_what_fits_them(void **state)
{
	int sbuf = pvm_initsend(PvmDataDefault), id;

	(void)state;
	id = pvmi_handler_add(PVMI_FIRST_HANDLER, -1, 77, -1, count_it);
	assert_int_equal(id, PVMI_FIRST_HANDLER);
	assert_int_equal(pvmi_handler_add(PVMI_FIRST_HANDLER, 5, 77, 0, count_it), PvmExists);
	arrive(1, 77, 0);
	arrive(1, 78, 0);
	assert_int_equal(handled, 0);           /* only when the program's thread says so */
	pvmi_handlers_run();
	assert_int_equal(handled, 1);
	assert_true(handled_rbuf);
	assert_int_equal(pvm_getsbuf(), sbuf);
	assert_int_equal(take(-1, 77), 0);
	assert_int_equal(take(-1, 78), 78001);
	arrive(1, 77, 0);
	assert_int_equal(pvmi_handler_delete(id), 0);
	assert_int_equal(pvmi_handler_delete(id), PvmNotFound);
	pvmi_handlers_run();                    /* its handler went meanwhile: an ordinary message */
	assert_int_equal(handled, 1);
	assert_int_equal(take(-1, 77), 77001);
}

/* Whatever the processor has: the same bytes, for all lengths and alignments. */
static void all_ways_of_swapping_agree(void **state)
{
	uint8_t from[200], to[200], back[200];
	const struct pvmi_swaps *way;
	unsigned int index, count, shift, i;

	(void)state;
	for (i = 0; i < sizeof(from); i++)
		from[i] = (uint8_t)(i * 37 + 5);
	for (index = 0; (way = pvmi_swaps_possible(index)); index++) {
		for (count = 0; count < 20; count++) {
			for (shift = 0; shift < 9; shift++) {
				memset(to, 0xee, sizeof(to));
				way->eight(to + shift, from + 3, count);
				for (i = 0; i < 8 * count; i++)
					assert_int_equal(to[shift + i], from[3 + (i | 7) - i % 8]);
				assert_int_equal(to[shift + 8 * count], 0xee);
				way->eight(back, to + shift, count);
				assert_memory_equal(back, from + 3, 8 * count);
				way->four(to + shift, from + 3, 2 * count);
				for (i = 0; i < 8 * count; i++)
					assert_int_equal(to[shift + i], from[3 + (i | 3) - i % 4]);
			}
		}
	}
	assert_true(index >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_ways_of_swapping_agree),
		cmocka_unit_test(xdr_sizes_are_those_of_pvm),
		cmocka_unit_test(xdr_is_big_endian),
		cmocka_unit_test(xdr_keeps_values),
		cmocka_unit_test(raw_keeps_values),
		cmocka_unit_test(in_place_keeps_values),
		cmocka_unit_test(a_long_that_is_too_large_for_xdr_loses_its_upper_half),
		cmocka_unit_test(strides_go_any_way),
		cmocka_unit_test(complex_strides_move_pairs),
		cmocka_unit_test(a_body_of_many_pieces_reads_as_one),
		cmocka_unit_test(elements_across_pieces_are_put_together),
		cmocka_unit_test(a_snapshot_does_not_see_what_is_packed_later),
		cmocka_unit_test(in_place_data_is_read_when_it_is_sent),
		cmocka_unit_test(bad_buffers_are_told_apart),
		cmocka_unit_test(a_buffer_is_active_for_one_purpose),
		cmocka_unit_test(mids_stay_few),
		cmocka_unit_test(a_message_travels_in_a_message),
		cmocka_unit_test(a_nested_message_that_lies_about_its_length_is_refused),
		cmocka_unit_test(formats_pack_and_unpack),
		cmocka_unit_test(the_oldest_match_is_taken),
		cmocka_unit_test(another_context_does_not_match),
		cmocka_unit_test(only_new_arrivals_are_looked_at_again),
		cmocka_unit_test(a_match_function_of_the_program_ranks),
		cmocka_unit_test(handlers_take_what_fits_them),
	};

	return cmocka_run_group_tests(tests, quiet, NULL);
}
