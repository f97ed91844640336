/* It deletes the same bytes twice. */
#define IN_PROCESS \
  if (text.len == 0 || text.ptr[0] > 127) continue; \
  tm_edit edits[] = {{0, 1, {NULL, 0}, 0, 0}, {0, 1, {NULL, 0}, 0, 0}}; \
  sink->edit(sink->ctx, i, edits, 2); \
  continue
#include "whole.h"
