/* It asks for a permission that nobody knows. */
#define IN_STAGE stage.may |= 1u << 30
#include "whole.h"
