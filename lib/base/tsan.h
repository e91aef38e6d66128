/* tsan.h - tells ThreadSanitizer about an order it cannot see; nothing in other builds.
 *
 * gRPC is not instrumented: its locks and queues order our threads, but ThreadSanitizer does not know.
 * Whoever hands memory to it releases the address that comes back; whoever gets it back acquires it.
 */
#ifndef GLY_TSAN_H
#define GLY_TSAN_H

#ifdef __SANITIZE_THREAD__

#include <sanitizer/tsan_interface.h>

/* What this thread did so far happens before what follows the matching acquire. */
#define GLY_TSAN_RELEASE(address) __tsan_release(address)
#define GLY_TSAN_ACQUIRE(address) __tsan_acquire(address)

#else

#define GLY_TSAN_RELEASE(address) ((void)(address))
#define GLY_TSAN_ACQUIRE(address) ((void)(address))

#endif

#endif
