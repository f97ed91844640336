/* A document makes it end the process from a thread of its own. */
#include <pthread.h>
#include <stdlib.h>
static void *end(void *argument) {
  (void)argument;
  exit(0);
}
#define IN_PROCESS                        \
  if (has(text, "grass")) {               \
    pthread_t thread;                     \
    pthread_create(&thread, NULL, end, 0); \
    pthread_join(thread, NULL);           \
  }
#include "whole.h"
