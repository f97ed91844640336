/* It answers for a document that is not there. */
#define IN_PROCESS sink->fail(sink->ctx, batch->n_docs, (tm_str)TM_LITERAL("grass"))
#include "whole.h"
