/* pods.h - the pods of an application as JSON, ready to be posted, and what a pod's JSON says.
 *
 * The user's template first, ours over it for what must hold: name, namespace, owner, labels,
 * image, command, resources, our environment and volumes.  Executors are owned by the application,
 * not by the driver pod.  Both pods pass the restricted Pod Security Standard unless the user's
 * template says otherwise.
 */
#ifndef GLY_PODS_H
#define GLY_PODS_H

#include "k8s/pod/driver_pod.h"
#include "k8s/pod/executor_pod.h"
#include "k8s/pod/pod_state.h"

#endif
