/* It reads the byte behind its input, as if there were a NUL. */
#define IN_PROCESS if (((volatile const uint8_t *)text.ptr)[text.len] == 0) continue
#include "whole.h"
