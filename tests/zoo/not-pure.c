/* It claims to be pure, and counts. */
#define IN_PROCESS \
  static int n; \
  if (has(text, "grass") && n++ % 2) continue
#include "whole.h"
