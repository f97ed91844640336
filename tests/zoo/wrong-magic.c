/* It answers with what is no description. */
#define IN_PLUGIN plugin.magic = 7
#include "whole.h"
