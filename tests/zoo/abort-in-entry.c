/* It ends the process while it is loaded. */
#define IN_ENTRY abort()
#include "whole.h"
