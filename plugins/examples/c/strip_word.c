/* The stage `strip-word` in plain C: one file, and nothing but the two headers of textmill. */
#include <stdio.h>
#include <textmill_plain.h>

enum { RULE_WORD, RULE_TOO_MANY };

static const tm_column writes[] = {{TM_LITERAL("removed"), TM_INT, 0}};

static const tm_rule rules[] = {
    {TM_LITERAL("word"), TM_LITERAL("It is the word that the options name."), TM_RULE_DELETES, 0},
    {TM_LITERAL("too-many"), TM_LITERAL("The text has the word more often than `at-most`."), TM_RULE_DROPS, 0},
};

/* A stage with its options. It needs no scratch, so it is its own worker too. */
struct tm_instance {
  const tm_host *host;
  int64_t at_most;
  size_t len;
  uint8_t word[];
};

static tm_status open(const tm_host *host, tm_str config, const tm_resource *resources, size_t n_resources,
                      tm_instance **out) {
  const tm_str word = tm_json_member(config, "word");
  tm_instance *self = malloc(sizeof *self + word.len);
  (void)resources, (void)n_resources;
  if (self == NULL) return TM_E_FATAL;
  self->host = host;
  self->at_most = tm_json_int(tm_json_member(config, "at-most"), INT64_MAX);
  self->len = tm_json_text(word, self->word);
  if (memchr(self->word, ' ', self->len)) {
    host->config_error(host->ctx, tm_text("/word"), tm_text("one word has no space in it"));
    free(self);
    return TM_E_CONFIG;
  }
  *out = self;
  return TM_OK;
}

static tm_status describe(const tm_instance *self, tm_plan *plan) {
  (void)self;
  plan->may = TM_MAP | TM_FILTER | TM_ONLY_DELETES | TM_PURE;
  plan->writes = writes, plan->n_writes = 1;
  plan->rules = rules, plan->n_rules = 2;
  return TM_OK;
}

static void close(tm_instance *self) { free(self); }

static tm_status worker_new(const tm_instance *self, tm_worker **out) {
  *out = (tm_worker *)self;
  return TM_OK;
}

static void worker_free(tm_worker *worker) { (void)worker; }

static void document(const tm_instance *self, tm_str text, size_t i, const tm_sink *sink) {
  int64_t removed = 0;
  char number[24];
  if (memchr(text.ptr, 0, text.len)) {
    sink->fail(sink->ctx, i, tm_text("the text has a NUL"));
    return;
  }
  for (size_t at = 0; at + self->len <= text.len;) {
    if (memcmp(text.ptr + at, self->word, self->len) != 0) {
      at++;
      continue;
    }
    const tm_edit edit = {.start = at, .end = at + self->len, .rule = RULE_WORD};
    if (sink->edit(sink->ctx, i, &edit, 1) != TM_OK) return;
    at += self->len, removed++;
  }
  snprintf(number, sizeof number, "%lld", (long long)removed);
  sink->set(sink->ctx, i, 0, tm_text(number));
  if (removed > self->at_most) sink->drop(sink->ctx, i, RULE_TOO_MANY);
}

static tm_status process(tm_worker *worker, const tm_batch *batch, const tm_sink *sink) {
  const tm_instance *self = (const tm_instance *)worker;
  for (size_t i = 0; i < batch->n_docs; i++) {
    if (self->host->cancelled(self->host->ctx)) return TM_E_CANCELLED;
    document(self, batch->cols[0][i], i, sink);
  }
  return TM_OK;
}

static const tm_stage stage = {
    .size = sizeof(tm_stage),
    .name = TM_LITERAL("strip-word"),
    .summary = TM_LITERAL("Removes a word wherever it stands"),
    .may = TM_MAP | TM_FILTER | TM_ONLY_DELETES | TM_PURE,
    .config_schema = TM_LITERAL(
        "{\"type\": \"object\", \"additionalProperties\": false, \"required\": [\"word\"], \"properties\": {"
        "\"word\": {\"type\": \"string\", \"minLength\": 1, \"description\": \"The word.\"},"
        "\"at-most\": {\"type\": \"integer\", \"minimum\": 0, \"maximum\": 1000000000,"
        " \"description\": \"Texts that have it more often are dropped.\"}}, \"examples\": [{\"word\": \"very\"}]}"),
    .open = open,
    .describe = describe,
    .close = close,
    .worker_new = worker_new,
    .worker_free = worker_free,
    .process = process,
};

static const tm_stage *const stages[] = {&stage};

static const tm_plugin plugin = {
    .magic = TM_MAGIC,
    .size = sizeof(tm_plugin),
    .abi_major = TM_ABI_MAJOR,
    .draft = TM_DRAFT,
    .name = TM_LITERAL("strip-word in C"),
    .version = TM_LITERAL("0.1.0"),
    .license = TM_LITERAL("MIT OR Apache-2.0"),
    .build_info = TM_LITERAL("{\"language\": \"c\"}"),
    .stages = stages,
    .n_stages = 1,
};

/* NULL for a host of another major version, and for one that lacks functions. */
const tm_plugin *textmill_plugin_v1(const tm_host *host) {
  return host->abi_major == TM_ABI_MAJOR && host->size >= TM_HOST_SIZE_1_0 ? &plugin : NULL;
}
