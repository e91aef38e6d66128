/* grpc_client.c - channels: addresses, credentials and the arguments that both sides use.
 *
 * Numeric addresses go through gRPC's ipv4/ipv6 schemes (no resolver thread, no query); names through
 * dns.  The server's certificate is checked against a name we choose, not against the address.
 * Arguments: HTTP proxies, service configuration and retries are off; messages of any size; bulk
 * connections get large frames and buffers (worth 10-35 % of the throughput).
 */
#include "lib/net/grpc_client.h"

#include "lib/base/alloc.h"
#include "lib/net/grpc_internal.h"

#include <arpa/inet.h>
#include <grpc/grpc_security_constants.h>
#include <stdio.h>

enum { PING_MS = 30000, PING_TIMEOUT_MS = 120000 };

struct gly_grpc_client {
    grpc_channel *channel;
};

static void add_integer(gly_grpc_arguments *arguments, const char *key, int value) {
    GLY_ASSERT(arguments->list.num_args < GLY_GRPC_MAX_ARGUMENTS);
    arguments->items[arguments->list.num_args++] =
        (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)key, .value.integer = value};
}

static void add_common(gly_grpc_arguments *arguments, bool bulk) {
    arguments->list = (grpc_channel_args){.num_args = 0, .args = arguments->items};
    add_integer(arguments, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, -1);
    add_integer(arguments, GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, -1);
    add_integer(arguments, GRPC_ARG_ENABLE_CHANNELZ, 0);
    if (bulk) {
        add_integer(arguments, GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 16 << 20);
        add_integer(arguments, GRPC_ARG_HTTP2_MAX_FRAME_SIZE, 1 << 20);
        add_integer(arguments, GRPC_ARG_HTTP2_WRITE_BUFFER_SIZE, 8 << 20);
        add_integer(arguments, GRPC_ARG_TCP_READ_CHUNK_SIZE, 256 << 10);
        add_integer(arguments, GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, 4 << 20);
    } else {
        add_integer(arguments, GRPC_ARG_TCP_MAX_READ_CHUNK_SIZE, 256 << 10);
    }
}

void gly_grpc_server_arguments(gly_grpc_arguments *ret, bool bulk) {
    add_common(ret, bulk);
    add_integer(ret, GRPC_ARG_ALLOW_REUSEPORT, 0);
    add_integer(ret, GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 20000);
    add_integer(ret, GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, PING_MS / 3);
}

void gly_grpc_client_arguments(gly_grpc_arguments *ret, bool bulk, const char *peer_name) {
    add_common(ret, bulk);
    add_integer(ret, GRPC_ARG_ENABLE_RETRIES, 0);
    add_integer(ret, GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    add_integer(ret, GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
    add_integer(ret, GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    add_integer(ret, GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    add_integer(ret, GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000);
    if (!bulk) { /* a host that vanished says nothing: ask it now and then */
        add_integer(ret, GRPC_ARG_KEEPALIVE_TIME_MS, PING_MS);
        add_integer(ret, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, PING_TIMEOUT_MS);
        add_integer(ret, GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    }
    if (peer_name != NULL) {
        GLY_ASSERT(ret->list.num_args < GLY_GRPC_MAX_ARGUMENTS);
        ret->items[ret->list.num_args++] =
            (grpc_arg){.type = GRPC_ARG_STRING,
                       .key = (char *)GRPC_SSL_TARGET_NAME_OVERRIDE_ARG,
                       .value.string = (char *)peer_name};
    }
}

grpc_channel_credentials *gly_grpc_client_credentials(const gly_tls_identity *identity) {
    if (identity == NULL) {
        return grpc_insecure_credentials_create();
    }
    grpc_ssl_pem_key_cert_pair pair = {identity->key_pem, identity->certificate_pem};
    return grpc_ssl_credentials_create_ex(identity->authority_pem, &pair, NULL, NULL);
}

grpc_server_credentials *gly_grpc_server_credentials(const gly_tls_identity *identity) {
    if (identity == NULL) {
        return grpc_insecure_server_credentials_create();
    }
    grpc_ssl_pem_key_cert_pair pair = {identity->key_pem, identity->certificate_pem};
    return grpc_ssl_server_credentials_create_ex(
        identity->authority_pem, &pair, 1,
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, NULL);
}

static void target_of(const char *address, char *target, size_t size) {
    char host[256];
    const char *colon = strrchr(address, ':');
    size_t length = colon == NULL ? strlen(address) : (size_t)(colon - address);
    unsigned char binary[16];
    if (length < sizeof host) {
        memcpy(host, address, length);
        host[length] = '\0';
        if (inet_pton(AF_INET, host, binary) == 1) {
            snprintf(target, size, "ipv4:%s", address);
            return;
        }
        if (host[0] == '[') {
            snprintf(target, size, "ipv6:%s", address);
            return;
        }
    }
    snprintf(target, size, "dns:///%s", address);
}

grpc_channel *gly_grpc_client_channel(const char *address, const gly_tls_identity *identity,
                                      const char *peer_name, bool bulk) {
    char target[512];
    target_of(address, target, sizeof target);
    gly_grpc_arguments arguments;
    gly_grpc_client_arguments(&arguments, bulk, identity == NULL ? NULL : peer_name);
    grpc_channel_credentials *credentials = gly_grpc_client_credentials(identity);
    GLY_ASSERT(credentials != NULL);
    grpc_channel *channel = grpc_channel_create(target, credentials, &arguments.list);
    grpc_channel_credentials_release(credentials);
    return channel;
}

gly_grpc_client *gly_grpc_client_make(const char *address, const gly_tls_identity *identity,
                                      const char *peer_name) {
    gly_grpc_loop_start_library();
    gly_grpc_client *client = GLY_NEW(gly_grpc_client);
    client->channel = gly_grpc_client_channel(address, identity, peer_name, false);
    return client;
}

void gly_grpc_client_free(gly_grpc_client *client) {
    if (client != NULL) {
        grpc_channel_destroy(client->channel);
        free(client);
        grpc_shutdown();
    }
}

gly_grpc_stream *gly_grpc_client_open(gly_grpc_client *client, gly_grpc_loop *loop,
                                      const char *method, gly_str first,
                                      const gly_grpc_stream_events *events) {
    grpc_call *call = grpc_channel_create_call(
        client->channel, NULL, GRPC_PROPAGATE_DEFAULTS, gly_grpc_loop_queue(loop),
        grpc_slice_from_copied_string(method), NULL, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    return gly_grpc_stream_dial(loop, call, first, events);
}
