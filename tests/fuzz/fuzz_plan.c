/* fuzz_plan.c - any bytes as a task's plan: refused or a plan that can be walked, never a crash. */
#include "lib/plan/explain.h"
#include "lib/plan/plan_check.h"
#include "lib/plan/plan_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    gly_arena *arena = gly_arena_make();
    gly_physical *plan = NULL;
    gly_error err = {0};
    if (gly_plan_codec_decode(arena, (gly_str){(const char *)data, size}, &plan, &err) == GLY_OK) {
        gly_builder bytes = {0}, text = {0};
        gly_physical *again = NULL;
        gly_plan_codec_encode(plan, &bytes);
        GLY_ASSERT(gly_plan_codec_decode(arena, gly_builder_str(&bytes), &again, &err) == GLY_OK);
        gly_explain_formatted(plan, &text);
        gly_builder_clear(&bytes);
        gly_builder_clear(&text);
    } else {
        GLY_ASSERT(err.message[0] != '\0');
    }
    gly_arena_free(arena);
    return 0;
}
