/* sigv4.h - AWS Signature Version 4 as S3 has it: paths encoded once and never normalized.
 *
 * Source: "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)",
 * Amazon S3 API Reference.  Pure: the time is given.
 */
#ifndef GLY_SIGV4_H
#define GLY_SIGV4_H

#include "lib/base/str.h"

enum { GLY_SIGV4_MOST_HEADERS = 16 };

typedef struct gly_sigv4_header {
    gly_str name; /* lower case */
    gly_str value;
} gly_sigv4_header;

typedef struct gly_sigv4_keys {
    gly_str access_key, secret_key;
    gly_str region, service; /* "us-east-1", "s3" */
} gly_sigv4_keys;

typedef struct gly_sigv4_request {
    const char *method;
    gly_str path;          /* encoded, from the first "/" on, as it will be sent */
    gly_str query;         /* encoded, without "?", in the order of gly_sigv4_sort_query */
    uint32_t header_count; /* those to sign, at most MOST_HEADERS; any order */
    const gly_sigv4_header *headers;
    gly_str payload_hash; /* hex SHA-256 of the body, or UNSIGNED-PAYLOAD */
    gly_str time;         /* "20130524T000000Z" */
} gly_sigv4_request;

/* Appends text with everything but A-Z a-z 0-9 - . _ ~ (and "/", if kept) as %XX. */
void gly_sigv4_encode(gly_str text, bool keep_slash, gly_builder *out);
/* Appends the pairs of a query sorted by name and value; a name alone gets its "=". */
void gly_sigv4_sort_query(gly_str query, gly_builder *out);
/* Appends the value of the Authorization header. */
void gly_sigv4_sign(const gly_sigv4_keys *keys, const gly_sigv4_request *request, gly_builder *out);
/* Appends the text whose hash is signed (for tests and for reading a server's complaint). */
void gly_sigv4_canonical(const gly_sigv4_request *request, gly_builder *out);
/* "20130524T000000Z" of milliseconds since 1970; 17 bytes with the NUL. */
void gly_sigv4_format_time(int64_t wall_ms, char ret[17]);

#endif
