/* A document makes it go on for ever. */
#define IN_PROCESS if (has(text, "grass")) for (volatile int n = 0;; n++) {}
#include "whole.h"
