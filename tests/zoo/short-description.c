/* Its description is shorter than any version has it. */
#define IN_PLUGIN plugin.size = 8
#include "whole.h"
