/* It claims to delete only, and puts something in. */
#define IN_PROCESS \
  tm_edit edit = {0, 0, TM_LITERAL("hay"), 0, 0}; \
  if (has(text, "grass")) { \
    sink->edit(sink->ctx, i, &edit, 1); \
    continue; \
  }
#include "whole.h"
