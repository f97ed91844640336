/* A document makes it abort. */
#define IN_PROCESS if (has(text, "grass")) abort()
#include "whole.h"
