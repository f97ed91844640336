/* The length of a name is more than there is memory. */
#define IN_STAGE stage.name.len = (size_t)1 << 60
#include "whole.h"
