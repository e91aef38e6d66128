/* array.h - a typed growable array as an anonymous struct: GLY_ARRAY(int) numbers = {0};
 *
 * Elements move when it grows.  A zeroed array is ready; clear frees it.
 */
#ifndef GLY_ARRAY_H
#define GLY_ARRAY_H

#include "lib/base/alloc.h"

#define GLY_ARRAY(type)                                                                            \
    struct {                                                                                       \
        type *items;                                                                               \
        size_t count;                                                                              \
        size_t capacity;                                                                           \
    }

#define gly_array_reserve(array, wanted)                                                           \
    do {                                                                                           \
        if ((wanted) > (array)->capacity) {                                                        \
            size_t gly_array_new = GLY_MAX((size_t)(wanted), GLY_MAX((array)->capacity * 2, 8));   \
            (array)->items =                                                                       \
                gly_alloc_resize((array)->items, gly_array_new * sizeof *(array)->items);          \
            (array)->capacity = gly_array_new;                                                     \
        }                                                                                          \
    } while (0)

#define gly_array_push(array, item)                                                                \
    do {                                                                                           \
        gly_array_reserve((array), (array)->count + 1);                                            \
        (array)->items[(array)->count++] = (item);                                                 \
    } while (0)

#define gly_array_remove_at(array, index)                                                          \
    do {                                                                                           \
        size_t gly_array_at = (index);                                                             \
        memmove((array)->items + gly_array_at, (array)->items + gly_array_at + 1,                  \
                ((array)->count - gly_array_at - 1) * sizeof *(array)->items);                     \
        (array)->count--;                                                                          \
    } while (0)

#define gly_array_clear(array)                                                                     \
    do {                                                                                           \
        free((array)->items);                                                                      \
        (array)->items = NULL;                                                                     \
        (array)->count = (array)->capacity = 0;                                                    \
    } while (0)

#endif
