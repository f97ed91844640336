/* It looks at fields that the host does not have. */
#define IN_PROCESS if (sink->size > sizeof *sink) continue
#include "whole.h"
