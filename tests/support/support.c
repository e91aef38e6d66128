/* support.c - what several test programs share.  Checks are macros in check.h. */
#include "lib/base/base.h"

extern int gly_test_support;
int gly_test_support = 0;
