/* It has no stage. */
#define IN_PLUGIN plugin.n_stages = 0
#include "whole.h"
