/* test_work_queue.c - each key once, the earliest time wins, failures double the delay. */
#include "k8s/client/work_queue.h"

#include "lib/base/random.h"
#include "tests/support/check.h"

/* The next key, or "" if none is due. */
static const char *take(gly_work_queue *queue, int64_t now_ms) {
    static gly_builder key;
    static char text[256];
    text[0] = '\0';
    if (gly_work_queue_next(queue, now_ms, &key)) {
        snprintf(text, sizeof text, "%.*s", GLY_STR_ARG(gly_builder_str(&key)));
    }
    gly_builder_clear(&key);
    return text;
}

GLY_TEST(a_key_is_there_once) {
    gly_work_queue *queue = gly_work_queue_make(1);
    gly_work_queue_add(queue, GLY_STR("a"), 0, 50);
    gly_work_queue_add(queue, GLY_STR("a"), 0, 20);
    gly_work_queue_add(queue, GLY_STR("a"), 0, 90);
    GLY_CHECK_INT(gly_work_queue_count(queue), 1);
    GLY_CHECK_INT(gly_work_queue_wait_ms(queue, 5), 15);
    GLY_CHECK_TEXT(take(queue, 19), "");
    GLY_CHECK_TEXT(take(queue, 20), "a");
    GLY_CHECK_TEXT(take(queue, 1000), "");
    GLY_CHECK_INT(gly_work_queue_wait_ms(queue, 1000), -1);
    /* added while it is worked on: comes again */
    gly_work_queue_add(queue, GLY_STR("a"), 1000, 0);
    GLY_CHECK_TEXT(take(queue, 1000), "a");
    gly_work_queue_free(queue);
}

GLY_TEST(equally_due_keys_keep_their_order) {
    gly_work_queue *queue = gly_work_queue_make(1);
    const char *keys[] = {"e", "d", "c", "b", "a", ""};
    for (size_t i = 0; i < GLY_ARRAY_LEN(keys); i++) {
        gly_work_queue_add(queue, gly_str_of(keys[i]), 7, 0);
    }
    for (size_t i = 0; i < GLY_ARRAY_LEN(keys) - 1; i++) {
        GLY_CHECK_TEXT(take(queue, 7), keys[i]);
    }
    gly_builder key = {0};
    GLY_CHECK(gly_work_queue_next(queue, 7, &key) && key.size == 0); /* an empty key is a key */
    GLY_CHECK(!gly_work_queue_next(queue, 7, &key));
    gly_builder_clear(&key);
    gly_work_queue_free(queue);
}

GLY_TEST(failures_double_the_delay) {
    gly_work_queue *queue = gly_work_queue_make(42);
    int64_t now_ms = 0, expected_ms = 100;
    for (int i = 0; i < 20; i++) {
        gly_work_queue_retry(queue, GLY_STR("x"), now_ms);
        int64_t wait_ms = gly_work_queue_wait_ms(queue, now_ms);
        GLY_CHECK(wait_ms <= expected_ms && wait_ms > expected_ms * 3 / 4 - 1);
        now_ms += wait_ms;
        GLY_CHECK_TEXT(take(queue, now_ms), "x");
        expected_ms = GLY_MIN(expected_ms * 2, 300000);
    }
    gly_work_queue_forget(queue, GLY_STR("x"));
    gly_work_queue_retry(queue, GLY_STR("x"), now_ms);
    GLY_CHECK(gly_work_queue_wait_ms(queue, now_ms) <= 100);
    /* news brings it forward, the failures stay */
    gly_work_queue_add(queue, GLY_STR("x"), now_ms, 0);
    GLY_CHECK_TEXT(take(queue, now_ms), "x");
    gly_work_queue_retry(queue, GLY_STR("x"), now_ms);
    GLY_CHECK(gly_work_queue_wait_ms(queue, now_ms) > 140);
    gly_work_queue_free(queue);
}

GLY_TEST(forgetting_does_not_unqueue) {
    gly_work_queue *queue = gly_work_queue_make(1);
    gly_work_queue_forget(queue, GLY_STR("nobody"));
    gly_work_queue_retry(queue, GLY_STR("a"), 0);
    gly_work_queue_forget(queue, GLY_STR("a"));
    GLY_CHECK_INT(gly_work_queue_count(queue), 1);
    GLY_CHECK_TEXT(take(queue, 100), "a");
    gly_work_queue_free(queue);
}

/* Against a table of due times, which is slow and surely right. */
GLY_TEST(random_use_agrees_with_a_table) {
    enum { KEYS = 40, STEPS = 60000 };
    gly_work_queue *queue = gly_work_queue_make(9);
    int64_t due[KEYS];
    for (int i = 0; i < KEYS; i++) {
        due[i] = INT64_MAX;
    }
    gly_random random = {11};
    int64_t now_ms = 0;
    size_t taken = 0;
    for (int step = 0; step < STEPS; step++) {
        size_t k = gly_random_below(&random, KEYS);
        char key[16];
        snprintf(key, sizeof key, "key-%zu", k);
        if (gly_random_below(&random, 2) == 0) {
            int64_t delay_ms = (int64_t)gly_random_below(&random, 100);
            gly_work_queue_add(queue, gly_str_of(key), now_ms, delay_ms);
            due[k] = GLY_MIN(due[k], now_ms + delay_ms);
        }
        now_ms += (int64_t)gly_random_below(&random, 4);
        int64_t earliest = INT64_MAX;
        size_t waiting = 0;
        for (int i = 0; i < KEYS; i++) {
            earliest = GLY_MIN(earliest, due[i]);
            waiting += due[i] != INT64_MAX;
        }
        GLY_ASSERT(gly_work_queue_count(queue) == waiting);
        const char *got = take(queue, now_ms);
        GLY_ASSERT((got[0] != '\0') == (earliest <= now_ms));
        if (got[0] != '\0') {
            long which = strtol(got + 4, NULL, 10);
            GLY_ASSERT(due[which] == earliest);
            due[which] = INT64_MAX;
            taken++;
        }
    }
    GLY_CHECK(taken > 10000);
    gly_work_queue_free(queue);
}

GLY_SUITE("work_queue", a_key_is_there_once, equally_due_keys_keep_their_order,
          failures_double_the_delay, forgetting_does_not_unqueue, random_use_agrees_with_a_table)
