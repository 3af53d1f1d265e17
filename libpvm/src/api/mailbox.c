/*
 * mailbox.c: messages kept by name for whoever asks (pvm_putinfo and friends), and the older
 * interface for single integers on top of it.
 */
#include <stdlib.h>
#include <string.h>

#include "api.h"

static int put(const char *name, struct pvmi_message *message, int index, int flags, bool exact)
{
	mpvm_task_MailboxPut body = mpvm_task_MailboxPut_init_zero;
	struct pvmi_bytes bytes = { NULL, 0 };
	struct pvmi_message *copy;
	uint8_t *flat;
	int result;

	if (!name || !*name)
		return PvmBadParam;
	copy = pvmi_message_snapshot(message);
	flat = copy ? pvmi_alloc(copy->length + 1) : NULL;
	if (!flat) {
		pvmi_message_unref(copy);
		return PvmNoMem;
	}
	pvmi_body_read(copy, flat, copy->length);
	bytes = (struct pvmi_bytes){ flat, copy->length };
	body.name = PVMI_SEND_STRING(name);
	body.index = index;
	body.flags = (uint32_t)flags;
	body.exact = exact;
	body.encoding = copy->encoding;
	body.body = PVMI_SEND_BYTES(&bytes);
	body.tag = copy->tag;
	body.context = copy->context;
	result = pvmi_link_request(mpvm_task_ToDaemon_mailbox_put_tag, mpvm_task_MailboxPut_fields, &body, PVMI_ONCE,
				   NULL);
	pvmi_free(flat);
	pvmi_message_unref(copy);
	return result;
}

static bool read_block(pb_istream_t *stream, const pb_field_t *field, void **argument)
{
	struct pvmi_message *message = *argument;
	size_t length = stream->bytes_left;
	uint8_t *to = length ? pvmi_body_extend(message, length) : NULL;

	(void)field;
	return !length || (to && pb_read(stream, to, length));
}

/* A new message for the entry. */
static int get(const char *name, int index, int flags, struct pvmi_message **result)
{
	mpvm_task_MailboxGet body = mpvm_task_MailboxGet_init_zero;
	mpvm_task_MailboxEntry entry = mpvm_task_MailboxEntry_init_zero;
	struct pvmi_message *message;
	struct pvmi_answer answer;
	int status;

	if (!name || !*name || index < 0)
		return PvmBadParam;
	body.name = PVMI_SEND_STRING(name);
	body.index = index;
	body.flags = (uint32_t)flags;
	status = pvmi_link_request(mpvm_task_ToDaemon_mailbox_get_tag, mpvm_task_MailboxGet_fields, &body,
				   flags & PvmMboxReadAndDelete ? PVMI_ONCE : PVMI_REPEAT, &answer);
	if (status < 0) {
		pvmi_answer_free(&answer);
		return status;
	}
	message = pvmi_message_new();
	entry.body = (pb_callback_t){ .funcs.decode = read_block, .arg = message };
	if (!message || !pvmi_answer_decode(&answer, mpvm_task_ToTask_mailbox_entry_tag,
					    mpvm_task_MailboxEntry_fields, &entry)) {
		pvmi_answer_free(&answer);
		pvmi_message_unref(message);
		return PvmSysErr;
	}
	pvmi_answer_free(&answer);
	message->encoding = entry.encoding;
	message->tag = entry.tag;
	message->context = entry.context;
	message->source = entry.owner;
	message->destination = pvmi->tid;
	message->sealed = true;
	message->room = 0;
	*result = message;
	return status;
}

static int delete(const char *name, int index, int flags)
{
	mpvm_task_MailboxDelete body = mpvm_task_MailboxDelete_init_zero;

	if (!name || !*name || index < 0)
		return PvmBadParam;
	body.name = PVMI_SEND_STRING(name);
	body.index = index;
	body.flags = (uint32_t)flags;
	return pvmi_link_request(mpvm_task_ToDaemon_mailbox_delete_tag, mpvm_task_MailboxDelete_fields, &body,
				 PVMI_ONCE, NULL);
}

/* That there is nothing, or that it is somebody else's, is an answer, and PVM does not print it either. */
static int end_search(const char *function, int result)
{
	return result == PvmNotFound || result == PvmDenied ? pvmi_end_quietly(result) : pvmi_end(function, result);
}

int pvmi_mailbox_put(const char *name, struct pvmi_message *message, int flags)
{
	return put(name, message, 0, flags, false);
}

int pvmi_mailbox_delete(const char *name, int index)
{
	return delete(name, index, PvmMboxDefault);
}

int pvm_putinfo(char *name, int mid, int flags)
{
	struct pvmi_message *message;
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_PUTINFO, name, -1, flags, mid);
	if (!result)
		result = pvmi_mid_check(mid, &message);
	if (!result)
		result = put(name, message, 0, flags, false);
	pvmi_tev_exit(TEV_PUTINFO, result);
	return end_search("pvm_putinfo", result);
}

int pvmi_mailbox_get(const char *name, int index, int flags, struct pvmi_message **message)
{
	return get(name, index, flags, message);
}

static int recvinfo(const char *name, int index, int flags)
{
	struct pvmi_messages *m = pvmi->messages;
	struct pvmi_message *message;
	int mid, status;

	if (m->receive_mid)             /* as a receive does, found or not */
		pvmi_mid_free(m->receive_mid);
	status = get(name, index, flags, &message);
	if (status < 0)
		return status;
	mid = pvmi_mid_new(message);
	if (mid < 0) {
		pvmi_message_unref(message);
		return mid;
	}
	m->receive_mid = mid;
	return mid;
}

int pvm_recvinfo(char *name, int index, int flags)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_GETINFO, name, index, flags);
	if (!result)
		result = recvinfo(name, index, flags);
	pvmi_tev_exit(TEV_GETINFO, result < 0 ? result : PvmOk, result);
	return end_search("pvm_recvinfo", result);
}

int pvm_delinfo(char *name, int index, int flags)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_DELINFO, name, index, flags);
	if (!result)
		result = delete(name, index, flags);
	pvmi_tev_exit(TEV_DELINFO, result);
	return end_search("pvm_delinfo", result);
}

/* ------------------------------------------------------------------ pvm_getmboxinfo */

struct class_list {
	struct pvmmboxinfo *classes;
	int count, limit;
};

static bool read_class(pb_istream_t *stream, const pb_field_t *field, void **argument)
{
	struct class_list *list = *argument;
	mpvm_task_MailboxClass body = mpvm_task_MailboxClass_init_zero;
	struct pvmi_tid_list indices = { NULL, 0, 0 }, owners = indices, flags = indices;
	struct pvmmboxinfo *grown;
	char *name = NULL;

	(void)field;
	body.name = (pb_callback_t){ .funcs.decode = pvmi_read_text, .arg = &name };
	body.indices = (pb_callback_t){ .funcs.decode = pvmi_read_signed, .arg = &indices };
	body.owners = (pb_callback_t){ .funcs.decode = pvmi_read_unsigned, .arg = &owners };
	body.flags = (pb_callback_t){ .funcs.decode = pvmi_read_unsigned, .arg = &flags };
	if (!pb_decode(stream, mpvm_task_MailboxClass_fields, &body) || owners.count != indices.count ||
	    flags.count != indices.count)
		goto fail;
	if (list->count == list->limit) {
		list->limit = list->limit ? 2 * list->limit : 16;
		grown = realloc(list->classes, (size_t)list->limit * sizeof(*grown));
		if (!grown)
			goto fail;
		list->classes = grown;
	}
	list->classes[list->count++] = (struct pvmmboxinfo){
		.mi_name = name ? name : strdup(""),
		.mi_nentries = indices.count,
		.mi_indices = indices.tids,
		.mi_owners = owners.tids,
		.mi_flags = flags.tids,
	};
	return true;
fail:
	free(name);
	free(indices.tids);
	free(owners.tids);
	free(flags.tids);
	return false;
}

static void free_classes(struct class_list *list)
{
	int i;

	for (i = 0; i < list->count; i++) {
		free(list->classes[i].mi_name);
		free(list->classes[i].mi_indices);
		free(list->classes[i].mi_owners);
		free(list->classes[i].mi_flags);
	}
	free(list->classes);
	*list = (struct class_list){ NULL, 0, 0 };
}

static int list_classes(const char *pattern, struct class_list *list)
{
	mpvm_task_MailboxList body = mpvm_task_MailboxList_init_zero;
	mpvm_task_MailboxClasses classes = mpvm_task_MailboxClasses_init_zero;
	struct pvmi_answer answer;
	int result;

	if (!pattern)
		return PvmBadParam;
	body.pattern = PVMI_SEND_STRING(pattern);
	result = pvmi_link_request(mpvm_task_ToDaemon_mailbox_list_tag, mpvm_task_MailboxList_fields, &body,
				   PVMI_REPEAT, &answer);
	classes.classes = (pb_callback_t){ .funcs.decode = read_class, .arg = list };
	if (result >= 0 && !pvmi_answer_decode(&answer, mpvm_task_ToTask_mailbox_classes_tag,
					       mpvm_task_MailboxClasses_fields, &classes))
		result = PvmSysErr;
	pvmi_answer_free(&answer);
	return result < 0 ? result : PvmOk;
}

int pvm_getmboxinfo(char *pattern, int *count, struct pvmmboxinfo **classes)
{
	static struct class_list list;  /* until the next call, as under PVM */
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_GETMBOXINFO, pattern);
	if (!result) {
		free_classes(&list);
		result = list_classes(pattern, &list);
	}
	if (!result) {
		if (count)
			*count = list.count;
		if (classes)
			*classes = list.classes;
	}
	pvmi_tev_exit(TEV_GETMBOXINFO, result);
	return pvmi_end("pvm_getmboxinfo", result);
}

/* ------------------------------------------------------------------ pvm_insert, pvm_lookup, pvm_delete */

static int insert(const char *name, int index, int data)
{
	struct pvmi_message *message = pvmi_message_new();
	int result;

	if (!message)
		return PvmNoMem;
	result = pvmi_pack_int(message, data);
	if (!result)
		result = index < 0 ? put(name, message, 0, PvmMboxPersistent | PvmMboxMultiInstance | PvmMboxOverWritable, false)
			: put(name, message, index, PvmMboxPersistent | PvmMboxMultiInstance | PvmMboxOverWritable, true);
	pvmi_message_unref(message);
	return result;
}

int pvm_insert(char *name, int index, int data)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_INSERT, name, index, data);
	if (!result)
		result = index < -1 ? PvmBadParam : insert(name, index, data);
	pvmi_tev_exit(TEV_INSERT, result);
	return end_search("pvm_insert", result);
}

/* The index found; -1 asks for the first there is. */
static int lookup(const char *name, int index, int *data)
{
	struct pvmi_message *message;
	int value = 0, result;

	result = get(name, index < 0 ? 0 : index, index < 0 ? PvmMboxFirstAvail : PvmMboxDefault, &message);
	if (result < 0)
		return result;
	pvmi_unpack(message, &value, 1, 1, PVM_INT);
	pvmi_message_unref(message);
	if (data)
		*data = value;
	return result;
}

int pvm_lookup(char *name, int index, int *data)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_LOOKUP, name, index);
	if (!result)
		result = index < -1 ? PvmBadParam : lookup(name, index, data);
	pvmi_tev_exit(TEV_LOOKUP, result);
	return end_search("pvm_lookup", result);
}

int pvm_delete(char *name, int index)
{
	int result = pvmi_begin(PVMI_AS_TASK);

	pvmi_tev_entry(TEV_DELETE, name, index);
	if (!result)
		result = delete(name, index, 0);
	pvmi_tev_exit(TEV_DELETE, result);
	return end_search("pvm_delete", result);
}
