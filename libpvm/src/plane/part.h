/* part.h: two tasks that talk to each other and run on one processor, while another is idle. */
#ifndef PVMI_PART_H
#define PVMI_PART_H

#include "plane.h"

/* News came from a task that ran on this processor. When that has happened often, this one of the
 * two goes to another processor, if one is idle. */
void pvmi_part(struct pvmi_plane *plane);

#endif
