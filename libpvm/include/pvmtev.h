/*
 * pvmtev.h: names of trace events, for programs that include it. mpvm records no PVM traces.
 */
#ifndef _PVMTEV_H_
#define _PVMTEV_H_

#define TEV_MASK_LENGTH		36

typedef char Pvmtmask[TEV_MASK_LENGTH];

#endif
