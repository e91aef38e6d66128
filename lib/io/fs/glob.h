/* glob.h - wildcards in paths: * and ? and [a-z] inside one component, {a,b} anywhere.
 *
 * Pure text; no file system is asked.  "\x" means x itself.
 */
#ifndef GLY_GLOB_H
#define GLY_GLOB_H

#include "lib/base/arena.h"

bool gly_glob_has_wildcard(gly_str path);
/* The directories before the first component with a wildcard ("/a/b*" -> "/a"); "." if none. */
gly_str gly_glob_base(gly_str pattern);
/* The text before the first wildcard ("/a/b*" -> "/a/b"). */
gly_str gly_glob_literal(gly_str pattern);
/* True if pattern matches path, or a directory above it (its first components).  Braces must have
 * been expanded. */
bool gly_glob_match_start(gly_str pattern, gly_str path);
/* One pattern without wildcards in it against one path component. */
bool gly_glob_match(gly_str pattern, gly_str name);
/* All alternatives of {a,b} (nested too).  INVALID_ARGUMENT if there are more than 10,000. */
GLY_NODISCARD gly_status gly_glob_braces(gly_arena *arena, gly_str path, uint32_t *ret_count,
                                         gly_str **ret, gly_error *err);
/* Number of "/"-separated parts that are not empty. */
uint32_t gly_glob_depth(gly_str path);

#endif
