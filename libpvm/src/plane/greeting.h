/*
 * greeting.h: how a connection of either route opens. Both ends prove that they know the VM's key.
 *
 *   receiver -> sender   challenge   a nonce
 *   sender -> receiver   hello       who speaks to whom, a nonce, proof; over a unix socket also
 *                                    descriptors: heap (to read), ring, doorbell
 *   receiver -> sender   welcome     its position in this channel, proof; over a unix socket also
 *                                    descriptors: inbox, doorbell
 *
 * Fixed sizes, so that a stranger can make us hold no more than one hello.
 */
#ifndef PVMI_GREETING_H
#define PVMI_GREETING_H

#include <stdbool.h>
#include <stdint.h>

#define PVMI_GREETING_MAGIC 0x4d56504dU
#define PVMI_GREETING_VERSION 1

struct pvmi_challenge {
	uint32_t magic, version;
	uint8_t nonce[16];
};

struct pvmi_hello {
	uint32_t magic, version;
	uint32_t sender, receiver;
	uint64_t incarnation;
	uint8_t nonce[16];
	uint8_t proof[16];
};

enum pvmi_welcome_status {
	PVMI_WELCOME_OPEN = 0,
	PVMI_WELCOME_NOT_ME = 1,        /* no such task at this address (any more) */
	PVMI_WELCOME_NO_ROOM = 2,       /* not by this route */
};

struct pvmi_welcome {
	uint32_t magic, status;
	uint32_t place;                 /* shared memory: the sender's bit in the inbox */
	uint32_t reserved;
	uint64_t incarnation;           /* of the receiver */
	uint64_t last;                  /* number of the last message it has whole */
	uint64_t have;                  /* bytes it has of the next one */
	uint8_t proof[16];
};

void pvmi_challenge_make(struct pvmi_challenge *challenge);
bool pvmi_challenge_good(const struct pvmi_challenge *challenge);
void pvmi_hello_seal(struct pvmi_hello *hello, const uint8_t key[16], const struct pvmi_challenge *challenge);
bool pvmi_hello_good(const struct pvmi_hello *hello, const uint8_t key[16], const struct pvmi_challenge *challenge);
void pvmi_welcome_seal(struct pvmi_welcome *welcome, const uint8_t key[16], const struct pvmi_hello *hello);
bool pvmi_welcome_good(const struct pvmi_welcome *welcome, const uint8_t key[16], const struct pvmi_hello *hello);

#endif
