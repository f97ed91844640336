/* It sets a field that it did not declare. */
#define IN_PROCESS \
  sink->set(sink->ctx, i, 0, (tm_str)TM_LITERAL("grass")); \
  continue
#include "whole.h"
