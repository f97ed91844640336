/* It does not open. */
#define IN_OPEN for (;;)
#include "whole.h"
