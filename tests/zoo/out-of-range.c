/* It deletes what lies beyond the text. */
#define IN_PROCESS \
  tm_edit beyond = {0, text.len + 1, {NULL, 0}, 0, 0}; \
  sink->edit(sink->ctx, i, &beyond, 1); \
  continue
#include "whole.h"
