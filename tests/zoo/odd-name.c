/* The name of the stage would write to a terminal. */
#define IN_STAGE stage.name = (tm_str)TM_LITERAL("\x1b[2Jgraze")
#include "whole.h"
