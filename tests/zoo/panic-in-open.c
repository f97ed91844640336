/* It reports a panic while it opens. */
#define IN_OPEN \
  do { \
    the_host->set_error(the_host->ctx, (tm_str)TM_LITERAL("panicked: no grass")); \
    return TM_E_PANIC; \
  } while (0)
#include "whole.h"
