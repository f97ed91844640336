/* The name of the stage is not UTF-8. */
#define IN_STAGE stage.name = (tm_str)TM_LITERAL("gr\xff\xfe")
#include "whole.h"
