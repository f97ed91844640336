/* It writes to its input. */
#define IN_PROCESS if (text.len > 0) ((volatile uint8_t *)text.ptr)[0] = text.ptr[0]
#include "whole.h"
