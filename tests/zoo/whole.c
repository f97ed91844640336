/* Nothing is wrong with it. */
#include "whole.h"
