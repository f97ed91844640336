/* It ends the process while the system loads it, before anything of it is called. */
#include <stdlib.h>

__attribute__((constructor)) static void construct(void) { abort(); }

#include "whole.h"
