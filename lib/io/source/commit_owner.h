/* commit_owner.h - which process a job's temporary files belong to, and whether it still lives.
 *
 *   galley 1
 *   phase writing | completing | replacing
 *   place <boot id>/<process namespace>
 *   process <pid> <start time>
 *   application <uid>       on Kubernetes: drivers of one application follow each other
 */
#ifndef GLY_COMMIT_OWNER_H
#define GLY_COMMIT_OWNER_H

#include "lib/base/str.h"

typedef enum gly_commit_phase {
    GLY_COMMIT_WRITING,    /* nothing is visible */
    GLY_COMMIT_COMPLETING, /* some new files may be visible: they are taken back */
    GLY_COMMIT_REPLACING,  /* all new files are visible: old ones go */
} gly_commit_phase;

typedef enum gly_commit_life { /* of the owner */
                               GLY_COMMIT_ALIVE,
                               GLY_COMMIT_DEAD,
                               GLY_COMMIT_UNKNOWN, /* elsewhere: only time tells */
} gly_commit_life;

/* Appends this process's text. */
void gly_commit_owner_format(gly_commit_phase phase, gly_builder *out);
/* Reads an owner's text and looks whether it lives.  Text that is none: UNKNOWN and WRITING. */
gly_commit_life gly_commit_owner_look(gly_str text, gly_commit_phase *ret_phase);

#endif
