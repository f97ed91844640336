/* The schema of its options is no JSON. */
#define IN_STAGE stage.config_schema = (tm_str)TM_LITERAL("{type: object}")
#include "whole.h"
