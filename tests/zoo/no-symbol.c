/* It exports another symbol. */
#define ENTRY textmill_plugin_v0
#include "whole.h"
