/* fn_encode.h - bytes as text and back: hexadecimal digits, base 64, forms of URLs. */
#ifndef GLY_FN_ENCODE_H
#define GLY_FN_ENCODE_H

#include "lib/engine/function/function_table.h"

gly_function_run gly_fn_encode_hex, gly_fn_encode_unhex;
gly_function_run gly_fn_encode_base64, gly_fn_encode_unbase64;
gly_function_run gly_fn_encode_url_encode, gly_fn_encode_url_decode, gly_fn_encode_try_url_decode;

#endif
