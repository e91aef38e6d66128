/* test_log.c - log lines are JSON whatever is in them, bounded, and filtered by level. */
#include "lib/base/log.h"
#include "tests/support/check.h"

#include <math.h>
#include <unistd.h>

static void format(gly_builder *out, const char *message, const gly_log_field *fields) {
    gly_builder_reset(out);
    gly_log_format(GLY_LOG_WARN, "galley-test", INT64_C(1700000000123), message, fields, out);
}

GLY_TEST(a_line_is_json) {
    gly_builder out = {0};
    format(&out, "executor lost",
           (gly_log_field[]){GLY_LOG_STR("executor", "exec-3"),
                             GLY_LOG_INT("tasks", -12),
                             GLY_LOG_DOUBLE("share", 0.25),
                             GLY_LOG_BOOL("again", true),
                             {0}});
    GLY_CHECK_TEXT(
        out.data,
        "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"warn\",\"program\":\"galley-test\","
        "\"message\":\"executor lost\",\"executor\":\"exec-3\",\"tasks\":-12,"
        "\"share\":0.25,\"again\":true}\n");
    gly_builder_clear(&out);
}

GLY_TEST(hostile_values_stay_in_their_string) {
    gly_builder out = {0};
    format(&out, "a\"b\nc",
           (gly_log_field[]){GLY_LOG_STR("x", "\xff\\"),
                             GLY_LOG_STR("none", NULL),
                             GLY_LOG_DOUBLE("nan", NAN),
                             {0}});
    GLY_CHECK(strstr(out.data, "\"message\":\"a\\\"b\\nc\"") != NULL);
    GLY_CHECK(strstr(out.data, "\"x\":\"\xEF\xBF\xBD\\\\\"") != NULL);
    GLY_CHECK(strstr(out.data, "\"none\":null,\"nan\":null}") != NULL);
    GLY_CHECK(strchr(out.data, '\n') == out.data + out.size - 1);
    gly_builder_clear(&out);
}

GLY_TEST(long_values_are_cut_between_characters) {
    size_t size = GLY_LOG_VALUE_SIZE + 1000;
    char *text = malloc(size + 1);
    memset(text, 'a', size);
    text[size] = '\0';
    memcpy(text + GLY_LOG_VALUE_SIZE - 1, "\xE2\x82\xAC", 3); /* a euro sign across the border */
    gly_builder out = {0};
    format(&out, "m", (gly_log_field[]){GLY_LOG_STR("long", text), {0}});
    GLY_CHECK(out.size < GLY_LOG_VALUE_SIZE + 200);
    GLY_CHECK(strstr(out.data, "a…\"}") != NULL);
    GLY_CHECK(strstr(out.data, "\xEF\xBF\xBD") == NULL);
    gly_builder_clear(&out);
    free(text);
}

GLY_TEST(levels_are_read_and_filter) {
    gly_log_level level;
    GLY_CHECK(gly_log_parse_level(GLY_STR("WARN"), &level) && level == GLY_LOG_WARN);
    GLY_CHECK(gly_log_parse_level(GLY_STR("off"), &level) && level == GLY_LOG_OFF);
    GLY_CHECK(!gly_log_parse_level(GLY_STR("loud"), &level));
    gly_log_set_level(GLY_LOG_WARN);
    GLY_CHECK(!gly_log_enabled(GLY_LOG_INFO));
    GLY_CHECK(gly_log_enabled(GLY_LOG_WARN));
    gly_log_set_level(GLY_LOG_INFO);
}

/* What the macros write to stderr while body runs. */
static void capture(void (*body)(void), char *ret, size_t ret_size) {
    int pipe_ends[2], saved = dup(STDERR_FILENO);
    if (pipe(pipe_ends) != 0 || saved < 0) {
        exit(1);
    }
    dup2(pipe_ends[1], STDERR_FILENO);
    close(pipe_ends[1]);
    body();
    dup2(saved, STDERR_FILENO);
    close(saved);
    ssize_t size = read(pipe_ends[0], ret, ret_size - 1);
    ret[size > 0 ? size : 0] = '\0';
    close(pipe_ends[0]);
}

static void log_two_lines(void) {
    gly_log_debug("not seen");
    gly_log_info("one");
    gly_log_error("two", GLY_LOG_INT("n", 7));
}

GLY_TEST(the_macros_write_whole_lines) {
    char text[1024];
    capture(log_two_lines, text, sizeof text);
    GLY_CHECK(strstr(text, "not seen") == NULL);
    GLY_CHECK(strstr(text, "\"message\":\"one\"}\n{") != NULL);
    GLY_CHECK(strstr(text, "\"message\":\"two\",\"n\":7}\n") != NULL);
}

static void start_with_nonsense(void) {
    setenv("GALLEY_LOG_LEVEL", "loud", 1);
    gly_log_start("galley-test");
}

GLY_TEST(an_unknown_level_is_said) {
    char text[1024];
    capture(start_with_nonsense, text, sizeof text);
    GLY_CHECK(strstr(text, "GALLEY_LOG_LEVEL") != NULL);
    GLY_CHECK(strstr(text, "\"value\":\"loud\"") != NULL);
    GLY_CHECK(gly_log_enabled(GLY_LOG_INFO) && !gly_log_enabled(GLY_LOG_DEBUG));
    setenv("GALLEY_LOG_LEVEL", "error", 1);
    gly_log_start("galley-test");
    GLY_CHECK(!gly_log_enabled(GLY_LOG_WARN));
}

GLY_SUITE("log", a_line_is_json, hostile_values_stay_in_their_string,
          long_values_are_cut_between_characters, levels_are_read_and_filter,
          the_macros_write_whole_lines, an_unknown_level_is_said)
