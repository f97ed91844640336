/* It replaces a text by what is not UTF-8. */
#define IN_STAGE stage.may = TM_MAP
#define IN_PROCESS \
  sink->rewrite(sink->ctx, i, (tm_str)TM_LITERAL("gr\xff"), 1); \
  continue
#include "whole.h"
