/* A whole plugin with one stage, `graze`, which deletes the first word `grass` of a text. Each plugin of the zoo defines
 * one of the macros below before it includes this file, and so is broken in one way. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "textmill_plugin.h"

/* The name of the entry function. */
#ifndef ENTRY
#define ENTRY textmill_plugin_v1
#endif
/* Statements at the begin of the entry function, of `open`, and for each document of `process`. */
#ifndef IN_ENTRY
#define IN_ENTRY
#endif
#ifndef IN_OPEN
#define IN_OPEN
#endif
#ifndef IN_PROCESS
#define IN_PROCESS
#endif
/* Statements that change the descriptions: `stage`, `plugin`, `plan`, and the array `stages`. */
#ifndef IN_STAGE
#define IN_STAGE
#endif
#ifndef IN_PLUGIN
#define IN_PLUGIN
#endif
#ifndef IN_PLAN
#define IN_PLAN
#endif

static const tm_host *the_host;
static tm_stage stage;
static tm_stage second;
static const tm_stage *stages[2] = {&stage, &second};
static tm_plugin plugin;
static const tm_rule rules[] = {
    {TM_LITERAL("grass"), TM_LITERAL("The word is `grass`."), TM_RULE_DELETES, 0},
    {TM_LITERAL("hay"), TM_LITERAL("The word is `hay`."), TM_RULE_REWRITES, 0},
};
static int an_instance;

static inline int has(tm_str text, const char *word) {
  size_t length = strlen(word);
  for (size_t i = 0; i + length <= text.len; i++)
    if (memcmp(text.ptr + i, word, length) == 0) return 1;
  return 0;
}

static tm_status stage_open(const tm_host *host, tm_str config, const tm_resource *resources, size_t n_resources,
                            tm_instance **out) {
  (void)host, (void)config, (void)resources, (void)n_resources;
  IN_OPEN;
  *out = (tm_instance *)&an_instance;
  return TM_OK;
}

static tm_status stage_describe(const tm_instance *instance, tm_plan *plan) {
  (void)instance;
  plan->may = stage.may;
  plan->rules = rules;
  plan->n_rules = stage.may & TM_ONLY_DELETES ? 1 : 2;
  IN_PLAN;
  return TM_OK;
}

static void stage_close(tm_instance *instance) { (void)instance; }

static tm_status stage_worker_new(const tm_instance *instance, tm_worker **out) {
  *out = (tm_worker *)instance;
  return TM_OK;
}

static void stage_worker_free(tm_worker *worker) { (void)worker; }

static tm_status stage_process(tm_worker *worker, const tm_batch *batch, const tm_sink *sink) {
  (void)worker;
  for (size_t i = 0; i < batch->n_docs; i++) {
    tm_str text = batch->cols[0][i];
    IN_PROCESS;
    for (size_t at = 0; at + 5 <= text.len; at++)
      if (memcmp(text.ptr + at, "grass", 5) == 0) {
        tm_edit edit = {at, at + 5, {NULL, 0}, 0, 0};
        sink->edit(sink->ctx, i, &edit, 1);
        break;
      }
  }
  return TM_OK;
}

TM_EXPORT const tm_plugin *ENTRY(const tm_host *host) {
  the_host = host;
  if (host->size < TM_HOST_SIZE_1_0) return NULL;
  stage = (tm_stage){
      .size = sizeof stage,
      .name = TM_LITERAL("graze"),
      .summary = TM_LITERAL("Deletes the first word `grass`."),
      .may = TM_MAP | TM_PURE | TM_ONLY_DELETES,
      .config_schema = TM_LITERAL("{\"type\":\"object\",\"additionalProperties\":false}"),
      .open = stage_open,
      .describe = stage_describe,
      .close = stage_close,
      .worker_new = stage_worker_new,
      .worker_free = stage_worker_free,
      .process = stage_process,
  };
  plugin = (tm_plugin){
      .magic = TM_MAGIC,
      .size = sizeof plugin,
      .abi_major = TM_ABI_MAJOR,
      .draft = TM_DRAFT,
      .name = TM_LITERAL("zoo"),
      .version = TM_LITERAL("0.0.1"),
      .stages = stages,
      .n_stages = 1,
  };
  IN_STAGE;
  IN_PLUGIN;
  IN_ENTRY;
  return &plugin;
}
