/* It does not open, and does not say why. */
#define IN_OPEN return TM_E_FATAL
#include "whole.h"
