/* Two stages have the same name. */
#define IN_PLUGIN second = stage; plugin.n_stages = 2
#include "whole.h"
