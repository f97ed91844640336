/* Its schema allows any key, and it looks at none. */
#define IN_STAGE stage.config_schema = (tm_str)TM_LITERAL("{\"type\":\"object\"}")
#include "whole.h"
