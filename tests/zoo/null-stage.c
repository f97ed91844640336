/* Its second stage is a null pointer. */
#define IN_PLUGIN stages[1] = NULL; plugin.n_stages = 2
#include "whole.h"
