/* It has stages at a null pointer. */
#define IN_PLUGIN plugin.stages = NULL
#include "whole.h"
