/* clusters.c - the table of cluster managers, from clusters.def. */
#include "driver/cluster/cluster.h"

#define GLY_CLUSTER(symbol) extern const gly_cluster_manager symbol;
#include "driver/cluster/clusters.def"
#undef GLY_CLUSTER

const gly_cluster_manager *gly_cluster_find(gly_str name) {
    static const gly_cluster_manager *const managers[] = {
#define GLY_CLUSTER(symbol) &symbol,
#include "driver/cluster/clusters.def"
#undef GLY_CLUSTER
    };
    for (size_t i = 0; i < GLY_ARRAY_LEN(managers); i++) {
        if (gly_str_equal(gly_str_of(managers[i]->name), name)) {
            return managers[i];
        }
    }
    return NULL;
}
