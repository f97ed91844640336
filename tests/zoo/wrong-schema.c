/* The schema of its options is JSON, and no schema. */
#define IN_STAGE stage.config_schema = (tm_str)TM_LITERAL("{\"type\":\"thing\"}")
#include "whole.h"
