/* fn_digest.h - checksums and digests of bytes. */
#ifndef GLY_FN_DIGEST_H
#define GLY_FN_DIGEST_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_digest_md5, gly_fn_digest_sha1, gly_fn_digest_sha2, gly_fn_digest_crc32;

#endif
