/* Its stage is shorter than any version has it. */
#define IN_STAGE stage.size = 24
#include "whole.h"
