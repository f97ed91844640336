/* A document makes it take 10 GB of memory. */
#define IN_PROCESS \
  if (has(text, "grass")) \
    for (int n = 0; n < 10000; n++) memset(malloc(1000000), 1, 1000000)
#include "whole.h"
