/* It forgets an open file each time that it opens. */
#include <fcntl.h>
#define IN_OPEN (void)!open("/dev/null", O_RDONLY)
#include "whole.h"
