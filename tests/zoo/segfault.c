/* A document makes it write where no memory is. */
#define IN_PROCESS if (has(text, "grass")) *(volatile int *)8 = 1
#include "whole.h"
