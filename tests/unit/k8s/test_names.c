/* test_names.c - names and labels: plain ones as they are, all others legal, of legal length, and
 * different. */
#include "k8s/api/names.h"
#include "tests/support/check.h"

static bool is_host_name(const char *name) {
    size_t size = strlen(name);
    if (size == 0 || size > 63 || name[0] == '-' || name[size - 1] == '-') {
        return false;
    }
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == size;
}

GLY_TEST(plain_names) {
    gly_arena *arena = gly_arena_make();
    GLY_CHECK_TEXT(gly_names_driver_pod(arena, "shopflow", 1), "shopflow-driver");
    GLY_CHECK_TEXT(gly_names_driver_pod(arena, "shopflow", 2), "shopflow-driver-2");
    GLY_CHECK_TEXT(gly_names_executor_pod(arena, "shopflow", 1, 12), "shopflow-exec-12");
    GLY_CHECK_TEXT(gly_names_executor_pod(arena, "shopflow", 3, 12), "shopflow-exec-3-12");
    GLY_CHECK_TEXT(gly_names_driver_tls(arena, "shopflow"), "shopflow-driver-tls");
    GLY_CHECK_TEXT(gly_names_executor_tls(arena, "shopflow"), "shopflow-executor-tls");
    GLY_CHECK_TEXT(gly_names_scheduled(arena, "nightly", 29000000), "nightly-29000000");
    GLY_CHECK_TEXT(gly_names_label(arena, "shop.flow"), "shop.flow");
    GLY_CHECK_TEXT(gly_names_label(arena, "1b1d4c7e-9a7b-4c5b-b3f5-2b7c1c2f8a11"),
                   "1b1d4c7e-9a7b-4c5b-b3f5-2b7c1c2f8a11");
    gly_arena_free(arena);
}

GLY_TEST(every_length_gives_a_legal_name) {
    gly_arena *arena = gly_arena_make();
    char name[254];
    for (size_t size = 1; size <= 253; size++) {
        for (size_t i = 0; i < size; i++) { /* dots and dashes wherever they are legal */
            bool is_edge = i == 0 || i + 1 == size;
            name[i] = !is_edge && i % 7 == 3 ? '.' : !is_edge && i % 7 == 5 ? '-' : 'a';
        }
        name[size] = '\0';
        GLY_CHECK(is_host_name(gly_names_driver_pod(arena, name, 1)));
        GLY_CHECK(is_host_name(gly_names_executor_pod(arena, name, UINT32_MAX, UINT32_MAX)));
        GLY_CHECK(is_host_name(gly_names_executor_tls(arena, name)));
        GLY_CHECK(is_host_name(gly_names_scheduled(arena, name, INT32_MAX)));
        const char *label = gly_names_label(arena, name);
        GLY_CHECK(strlen(label) <= 63 && label[strlen(label) - 1] != '.');
    }
    gly_arena_free(arena);
}

GLY_TEST(different_applications_have_different_names) {
    gly_arena *arena = gly_arena_make();
    char a[254], b[254];
    memset(a, 'x', 253);
    memset(b, 'x', 253);
    a[253] = b[253] = '\0';
    b[252] = 'y';
    const char *const pairs[][2] = {
        {a, b}, {"a.b", "a-b"}, {"a.b", "a..b"}, {"shopflow", "shopflow-2"}};
    for (size_t i = 0; i < GLY_ARRAY_LEN(pairs); i++) {
        const char *left = pairs[i][0], *right = pairs[i][1];
        GLY_CHECK(
            strcmp(gly_names_driver_pod(arena, left, 1), gly_names_driver_pod(arena, right, 1)));
        GLY_CHECK(strcmp(gly_names_executor_pod(arena, left, 1, 1),
                         gly_names_executor_pod(arena, right, 1, 1)));
    }
    GLY_CHECK(strcmp(gly_names_label(arena, a), gly_names_label(arena, b)));
    GLY_CHECK_TEXT(gly_names_driver_pod(arena, a, 1), gly_names_driver_pod(arena, a, 1));
    gly_arena_free(arena);
}

GLY_TEST(labels_of_odd_texts_are_legal) {
    static const char *const texts[] = {"", "-", "...", "-a-", "a b", "ü", "_x_", "a/b", "\n"};
    gly_arena *arena = gly_arena_make();
    for (size_t i = 0; i < GLY_ARRAY_LEN(texts); i++) {
        const char *label = gly_names_label(arena, texts[i]);
        size_t size = strlen(label);
        GLY_CHECK(size > 0 && size <= 63);
        GLY_CHECK(strspn(label, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == size);
        GLY_CHECK(strchr("-_.", label[0]) == NULL && strchr("-_.", label[size - 1]) == NULL);
        for (size_t k = 0; k < i; k++) {
            GLY_CHECK(strcmp(label, gly_names_label(arena, texts[k])) != 0);
        }
    }
    gly_arena_free(arena);
}

GLY_SUITE("names", plain_names, every_length_gives_a_legal_name,
          different_applications_have_different_names, labels_of_odd_texts_are_legal)
