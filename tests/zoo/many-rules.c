/* It says that it has more rules than there is memory. */
#define IN_PLAN plan->n_rules = (size_t)1 << 60
#include "whole.h"
