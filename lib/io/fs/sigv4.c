/* sigv4.c - the canonical request, the string to sign, the derived key, the signature.
 *
 *   canonical := method \n path \n query \n (name ":" value \n)* \n names \n payload hash
 *   to sign   := "AWS4-HMAC-SHA256" \n time \n scope \n hex(sha256(canonical))
 *   scope     := date "/" region "/" service "/aws4_request"
 *   key       := hmac(hmac(hmac(hmac("AWS4" secret, date), region), service), "aws4_request")
 *
 * Why not libcurl's own: it signs path and query as they stand and fails on Hive's "=" and on
 * queries that are not sorted.  Invariant: what is signed is byte for byte what is sent.
 */
#include "lib/io/fs/sigv4.h"

#include "lib/base/array.h"
#include "lib/net/digest.h"

#include <stdio.h>
#include <time.h>

void gly_sigv4_encode(gly_str text, bool keep_slash, gly_builder *out) {
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool is_plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        if (is_plain || (c == '/' && keep_slash)) {
            gly_builder_add_char(out, (char)c);
        } else {
            char escaped[3] = {'%', digits[c >> 4], digits[c & 15]};
            gly_builder_add(out, escaped, 3);
        }
    }
}

static gly_str name_of(gly_str pair) {
    const char *equals = memchr(pair.data, '=', pair.size);
    return (gly_str){pair.data, equals == NULL ? pair.size : (size_t)(equals - pair.data)};
}

static int compare_pairs(const void *a, const void *b) {
    const gly_str *x = a;
    const gly_str *y = b;
    int order = gly_str_compare(name_of(*x), name_of(*y));
    return order != 0 ? order : gly_str_compare(*x, *y);
}

void gly_sigv4_sort_query(gly_str query, gly_builder *out) {
    GLY_ARRAY(gly_str) pairs = {0};
    size_t start = 0;
    for (size_t i = 0; i <= query.size; i++) {
        if (i == query.size || query.data[i] == '&') {
            if (i > start) {
                gly_array_push(&pairs, ((gly_str){query.data + start, i - start}));
            }
            start = i + 1;
        }
    }
    if (pairs.count > 1) {
        qsort(pairs.items, pairs.count, sizeof *pairs.items, compare_pairs);
    }
    for (size_t i = 0; i < pairs.count; i++) {
        gly_str pair = pairs.items[i];
        if (i > 0) {
            gly_builder_add_char(out, '&');
        }
        gly_builder_add_str(out, pair);
        if (name_of(pair).size == pair.size) {
            gly_builder_add_char(out, '=');
        }
    }
    gly_array_clear(&pairs);
}

static int compare_headers(const void *a, const void *b) {
    return gly_str_compare(((const gly_sigv4_header *)a)->name,
                           ((const gly_sigv4_header *)b)->name);
}

/* Sorted copies; the caller has room for MOST_HEADERS. */
static void sort_headers(const gly_sigv4_request *request, gly_sigv4_header *ret) {
    GLY_ASSERT(request->header_count <= GLY_SIGV4_MOST_HEADERS);
    if (request->header_count > 0) {
        memcpy(ret, request->headers, request->header_count * sizeof *ret);
        qsort(ret, request->header_count, sizeof *ret, compare_headers);
    }
}

static void add_names(const gly_sigv4_header *headers, uint32_t count, gly_builder *out) {
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0) {
            gly_builder_add_char(out, ';');
        }
        gly_builder_add_str(out, headers[i].name);
    }
}

/* Without spaces at the ends; runs of spaces inside become one. */
static void add_value(gly_str value, gly_builder *out) {
    value = gly_str_trim(value);
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] != ' ' || value.data[i - 1] != ' ') {
            gly_builder_add_char(out, value.data[i]);
        }
    }
}

void gly_sigv4_canonical(const gly_sigv4_request *request, gly_builder *out) {
    gly_sigv4_header headers[GLY_SIGV4_MOST_HEADERS];
    sort_headers(request, headers);
    gly_builder_format(out, "%s\n%.*s\n%.*s\n", request->method, GLY_STR_ARG(request->path),
                       GLY_STR_ARG(request->query));
    for (uint32_t i = 0; i < request->header_count; i++) {
        gly_builder_add_str(out, headers[i].name);
        gly_builder_add_char(out, ':');
        add_value(headers[i].value, out);
        gly_builder_add_char(out, '\n');
    }
    gly_builder_add_char(out, '\n');
    add_names(headers, request->header_count, out);
    gly_builder_add_char(out, '\n');
    gly_builder_add_str(out, request->payload_hash);
}

static gly_str digest_str(const uint8_t digest[GLY_DIGEST_BYTES]) {
    return (gly_str){(const char *)digest, GLY_DIGEST_BYTES};
}

static void derive_key(const gly_sigv4_keys *keys, gly_str date, uint8_t ret[GLY_DIGEST_BYTES]) {
    gly_builder secret = {0};
    gly_builder_add_text(&secret, "AWS4");
    gly_builder_add_str(&secret, keys->secret_key);
    uint8_t next[GLY_DIGEST_BYTES];
    gly_digest_hmac_sha256(gly_builder_str(&secret), date, ret);
    gly_digest_hmac_sha256(digest_str(ret), keys->region, next);
    gly_digest_hmac_sha256(digest_str(next), keys->service, ret);
    gly_digest_hmac_sha256(digest_str(ret), GLY_STR("aws4_request"), next);
    memcpy(ret, next, GLY_DIGEST_BYTES);
    explicit_bzero(secret.data, secret.size);
    gly_builder_clear(&secret);
}

void gly_sigv4_sign(const gly_sigv4_keys *keys, const gly_sigv4_request *request,
                    gly_builder *out) {
    uint8_t digest[GLY_DIGEST_BYTES];
    uint8_t key[GLY_DIGEST_BYTES];
    char hex[GLY_DIGEST_HEX_SIZE];
    gly_str date = {request->time.data, GLY_MIN(request->time.size, (size_t)8)};
    gly_builder text = {0};
    gly_sigv4_canonical(request, &text);
    gly_digest_sha256(gly_builder_str(&text), digest);
    gly_builder_reset(&text);
    gly_builder_format(&text, "AWS4-HMAC-SHA256\n%.*s\n%.*s/%.*s/%.*s/aws4_request\n%s",
                       GLY_STR_ARG(request->time), GLY_STR_ARG(date), GLY_STR_ARG(keys->region),
                       GLY_STR_ARG(keys->service), gly_digest_hex(digest, hex));
    derive_key(keys, date, key);
    gly_digest_hmac_sha256(digest_str(key), gly_builder_str(&text), digest);
    gly_builder_clear(&text);
    gly_sigv4_header headers[GLY_SIGV4_MOST_HEADERS];
    sort_headers(request, headers);
    gly_builder_format(
        out, "AWS4-HMAC-SHA256 Credential=%.*s/%.*s/%.*s/%.*s/aws4_request,SignedHeaders=",
        GLY_STR_ARG(keys->access_key), GLY_STR_ARG(date), GLY_STR_ARG(keys->region),
        GLY_STR_ARG(keys->service));
    add_names(headers, request->header_count, out);
    gly_builder_format(out, ",Signature=%s", gly_digest_hex(digest, hex));
}

void gly_sigv4_format_time(int64_t wall_ms, char ret[17]) {
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts = {0};
    gmtime_r(&seconds, &parts);
    if (strftime(ret, 17, "%Y%m%dT%H%M%SZ", &parts) == 0) {
        ret[0] = '\0';
    }
}
