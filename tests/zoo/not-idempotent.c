/* It claims to be idempotent, and deletes one word each time. */
#define IN_STAGE stage.may |= TM_IDEMPOTENT
#include "whole.h"
