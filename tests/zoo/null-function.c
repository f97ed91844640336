/* The function `process` is missing. */
#define IN_STAGE stage.process = NULL
#include "whole.h"
