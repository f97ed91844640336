/* It forgets memory each time that it opens. */
#define IN_OPEN \
  static void *volatile forgotten; \
  forgotten = malloc(40000); \
  memset(forgotten, 1, 40000)
#include "whole.h"
