/* A document makes it report a panic, which costs the batch. */
#define IN_PROCESS if (has(text, "grass")) return TM_E_PANIC
#include "whole.h"
