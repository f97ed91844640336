/* It fails a document without a word. */
#define IN_PROCESS \
  if (has(text, "grass")) { \
    sink->fail(sink->ctx, i, (tm_str){(const uint8_t *)"", 0}); \
    continue; \
  }
#include "whole.h"
