/* One word makes it give up, and another makes it abort. */
#define IN_PROCESS \
  { \
    if (has(text, "straw")) abort(); \
    if (has(text, "grass")) return TM_E_FATAL; \
  }
#include "whole.h"
