/* block_place.c - executors that leave hand their blocks over while others read them.
 *
 * Asking costs nothing as long as nothing has moved (find_moved looks at one counter), so it is
 * done before every read: the old address may belong to nobody any more, and dialling it takes
 * seconds to fail.
 */
#include "lib/engine/pipeline/block_place.h"

static bool find(gly_block_place *place, const gly_task_environment *environment, gly_str path) {
    const gly_fetcher *fetcher = &environment->fetcher;
    if (fetcher->find_moved == NULL) {
        return false;
    }
    gly_builder texts = {0};
    gly_map_status found = place->now;
    if (!fetcher->find_moved(fetcher->context, path, &texts, &found) ||
        (gly_str_equal(found.endpoint, place->now.endpoint) &&
         gly_str_equal(found.path, place->now.path))) {
        gly_builder_clear(&texts);
        return false;
    }
    gly_builder_clear(&place->texts); /* path may have pointed into it */
    place->texts = texts;
    place->now = found;
    return true;
}

void gly_block_place_set(gly_block_place *place, const gly_task_environment *environment,
                         const gly_map_status *said) {
    place->now = *said;
    (void)find(place, environment, said->path);
}

bool gly_block_place_has_moved(gly_block_place *place, const gly_task_environment *environment) {
    return find(place, environment, place->now.path);
}

void gly_block_place_clear(gly_block_place *place) {
    gly_builder_clear(&place->texts);
    *place = (gly_block_place){0};
}
