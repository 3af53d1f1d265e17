/* greeting.c: see greeting.h. Pure but for the nonces. */
#include <string.h>

#include "../sys/sys.h"
#include "greeting.h"
#include "siphash.h"

_Static_assert(sizeof(struct pvmi_challenge) == 24, "fixed by the protocol");
_Static_assert(sizeof(struct pvmi_hello) == 56, "fixed by the protocol");
_Static_assert(sizeof(struct pvmi_welcome) == 56, "fixed by the protocol");

void pvmi_challenge_make(struct pvmi_challenge *challenge)
{
	challenge->magic = PVMI_GREETING_MAGIC;
	challenge->version = PVMI_GREETING_VERSION;
	sys_getrandom(challenge->nonce, sizeof(challenge->nonce));
}

bool pvmi_challenge_good(const struct pvmi_challenge *challenge)
{
	return challenge->magic == PVMI_GREETING_MAGIC && challenge->version == PVMI_GREETING_VERSION;
}

static void hello_proof(const struct pvmi_hello *hello, const uint8_t key[16],
			const struct pvmi_challenge *challenge, uint8_t proof[16])
{
	uint8_t text[16 + sizeof(*hello) - 16];

	memcpy(text, challenge->nonce, 16);
	memcpy(text + 16, hello, sizeof(*hello) - 16);
	pvmi_siphash(key, text, sizeof(text), proof);
}

void pvmi_hello_seal(struct pvmi_hello *hello, const uint8_t key[16], const struct pvmi_challenge *challenge)
{
	hello->magic = PVMI_GREETING_MAGIC;
	hello->version = PVMI_GREETING_VERSION;
	sys_getrandom(hello->nonce, sizeof(hello->nonce));
	hello_proof(hello, key, challenge, hello->proof);
}

bool pvmi_hello_good(const struct pvmi_hello *hello, const uint8_t key[16], const struct pvmi_challenge *challenge)
{
	uint8_t proof[16];

	if (hello->magic != PVMI_GREETING_MAGIC || hello->version != PVMI_GREETING_VERSION)
		return false;
	hello_proof(hello, key, challenge, proof);
	return pvmi_same_tag(proof, hello->proof);
}

static void welcome_proof(const struct pvmi_welcome *welcome, const uint8_t key[16],
			  const struct pvmi_hello *hello, uint8_t proof[16])
{
	uint8_t text[32 + sizeof(*welcome) - 16];

	memcpy(text, hello->nonce, 16);
	memcpy(text + 16, hello->proof, 16);
	memcpy(text + 32, welcome, sizeof(*welcome) - 16);
	pvmi_siphash(key, text, sizeof(text), proof);
}

void pvmi_welcome_seal(struct pvmi_welcome *welcome, const uint8_t key[16], const struct pvmi_hello *hello)
{
	welcome->magic = PVMI_GREETING_MAGIC;
	welcome_proof(welcome, key, hello, welcome->proof);
}

bool pvmi_welcome_good(const struct pvmi_welcome *welcome, const uint8_t key[16], const struct pvmi_hello *hello)
{
	uint8_t proof[16];

	if (welcome->magic != PVMI_GREETING_MAGIC)
		return false;
	welcome_proof(welcome, key, hello, proof);
	return pvmi_same_tag(proof, welcome->proof);
}
