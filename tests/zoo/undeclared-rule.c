/* It names a rule that it did not declare. */
#define IN_PROCESS \
  sink->drop(sink->ctx, i, 7); \
  continue
#include "whole.h"
