/* It has rules at a null pointer. */
#define IN_PLAN plan->rules = NULL
#include "whole.h"
