/* It says that it has more stages than there is memory. */
#define IN_PLUGIN plugin.n_stages = (size_t)1 << 60
#include "whole.h"
