/* It was made for another major version. */
#define IN_PLUGIN plugin.abi_major = 2
#include "whole.h"
