#include "fault.h"

const char *ckpt_fault_name(enum ckpt_fault point)
{
	switch (point) {
#define X(identifier) case CKPT_FAULT_##identifier: return #identifier;
	CKPT_FAULT_POINTS(X)
#undef X
	default: return "?";
	}
}
