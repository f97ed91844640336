/* It declares that it sets the text as a field. */
#define IN_PLAN \
  static const tm_column column = {TM_LITERAL("text"), TM_TEXT, 0}; \
  plan->writes = &column; \
  plan->n_writes = 1
#include "whole.h"
