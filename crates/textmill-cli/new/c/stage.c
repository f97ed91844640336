/* The textmill stage `{{name}}`: removes lines in which every letter is a capital. */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "textmill_plugin.h"

/* A stage with its options, read-only once it is open. */
struct tm_instance {
  size_t min_capitals;
};

static const tm_rule RULES[] = {
    {TM_LITERAL("all-capitals"), TM_LITERAL("Every letter of the line is a capital."), TM_RULE_DELETES, 0},
};

/* The schema has been checked when `open` is called: the options are an object with no other key, and no text in it. */
static const char SCHEMA[] =
    "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
    "\"min-capitals\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 1000000, \"default\": 6,"
    " \"description\": \"Lines with fewer capitals than this stay: `BBC` is no shouting.\"}}}";

/* The number that stands behind `"key":`, or `fallback` if the key is not there. */
static size_t number_option(tm_str json, const char *key, size_t fallback) {
  size_t length = strlen(key);
  for (size_t i = 0; i + length + 2 < json.len; i++) {
    if (json.ptr[i] != '"' || memcmp(json.ptr + i + 1, key, length) != 0 || json.ptr[i + 1 + length] != '"') {
      continue;
    }
    size_t number = 0;
    i += length + 2;
    while (i < json.len && (json.ptr[i] == ':' || json.ptr[i] == ' ')) {
      i++;
    }
    for (; i < json.len && json.ptr[i] >= '0' && json.ptr[i] <= '9'; i++) {
      number = number * 10 + (size_t)(json.ptr[i] - '0');
    }
    return number;
  }
  return fallback;
}

static tm_status stage_open(const tm_host *host, tm_str config_json, const tm_resource *resources,
                            size_t n_resources, tm_instance **out) {
  (void)resources, (void)n_resources;
  tm_instance *instance = malloc(sizeof *instance);
  if (instance == NULL) {
    host->set_error(host->ctx, (tm_str)TM_LITERAL("no memory is left"));
    return TM_E_FATAL;
  }
  instance->min_capitals = number_option(config_json, "min-capitals", 6);
  *out = instance;
  return TM_OK;
}

static tm_status stage_describe(const tm_instance *instance, tm_plan *out) {
  (void)instance;
  out->may = TM_MAP | TM_ONLY_DELETES | TM_PURE | TM_IDEMPOTENT;
  out->rules = RULES;
  out->n_rules = sizeof RULES / sizeof RULES[0];
  return TM_OK;
}

static void stage_close(tm_instance *instance) { free(instance); }

/* It needs no scratch, so its worker is the instance itself, which it only reads. */
static tm_status stage_worker_new(const tm_instance *instance, tm_worker **out) {
  *out = (tm_worker *)(void *)instance;
  return TM_OK;
}

static void stage_worker_free(tm_worker *worker) { (void)worker; }

/* Letters of ASCII only; a line with any other letter does not shout. */
static bool shouts(const tm_instance *instance, const uint8_t *line, size_t length) {
  size_t capitals = 0;
  for (size_t i = 0; i < length; i++) {
    if ((line[i] >= 'a' && line[i] <= 'z') || line[i] >= 0x80) {
      return false;
    }
    capitals += line[i] >= 'A' && line[i] <= 'Z';
  }
  return capitals >= instance->min_capitals;
}

static void process_document(const tm_instance *instance, const tm_sink *sink, size_t i, tm_str text) {
  for (size_t start = 0; start < text.len;) {
    const uint8_t *newline = memchr(text.ptr + start, '\n', text.len - start);
    size_t end = newline == NULL ? text.len : (size_t)(newline - text.ptr) + 1;
    if (shouts(instance, text.ptr + start, end - start)) {
      tm_edit removal = {start, end, {NULL, 0}, 0, 0};
      if (sink->edit(sink->ctx, i, &removal, 1) != TM_OK) {
        return;
      }
    }
    start = end;
  }
}

static tm_status stage_process(tm_worker *worker, const tm_batch *batch, const tm_sink *sink) {
  const tm_instance *instance = (const tm_instance *)(const void *)worker;
  for (size_t i = 0; i < batch->n_docs; i++) {
    process_document(instance, sink, i, batch->cols[0][i]);
  }
  return TM_OK;
}

static const tm_stage STAGE = {
    .size = sizeof(tm_stage),
    .name = TM_LITERAL("{{name}}"),
    .summary = TM_LITERAL("Removes lines that shout: every letter in them is a capital."),
    .manual = TM_LITERAL("Removes lines that shout: every letter in them is a capital."),
    .may = TM_MAP | TM_ONLY_DELETES | TM_PURE | TM_IDEMPOTENT,
    .config_schema = {(const uint8_t *)SCHEMA, sizeof SCHEMA - 1},
    .open = stage_open,
    .describe = stage_describe,
    .close = stage_close,
    .worker_new = stage_worker_new,
    .worker_free = stage_worker_free,
    .process = stage_process,
};

static const tm_stage *const STAGES[] = {&STAGE};

static const tm_plugin PLUGIN = {
    .magic = TM_MAGIC,
    .size = sizeof(tm_plugin),
    .abi_major = TM_ABI_MAJOR,
    .draft = TM_DRAFT,
    .name = TM_LITERAL("{{name}}"),
    .version = TM_LITERAL("0.1.0"),
    .stages = STAGES,
    .n_stages = 1,
};

/* NULL for a host of another major version, and for one that lacks functions. */
const tm_plugin *textmill_plugin_v1(const tm_host *host) {
  return host->abi_major == TM_ABI_MAJOR && host->size >= TM_HOST_SIZE_1_0 ? &PLUGIN : NULL;
}
