/* It says that it has more edits than there is memory. */
#define IN_PROCESS \
  tm_edit edit = {0, 0, {NULL, 0}, 0, 0}; \
  sink->edit(sink->ctx, i, &edit, (size_t)1 << 60); \
  continue
#include "whole.h"
