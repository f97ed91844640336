/* textmill_plugin.h: the contract between textmill (the host) and a plugin (a shared library that offers stages).
 *
 * A draft until the first release: TM_DRAFT of the host and of the plugin must be equal. The rules:
 *
 * R1 Append-only. Within a major version fields are added only at the end of a struct. A struct that may grow begins
 *    with `size`, set by whoever fills it to sizeof at its compile time; nobody touches a field beyond the other
 *    side's size. tm_str, tm_edit, tm_column, tm_rule and tm_resource stand in arrays and never grow.
 * R2 Ownership. Nobody frees the other side's memory. What a call is given is valid until that call returns, unless
 *    it is marked [static] (valid for the life of the process) or says otherwise. The receiver copies what it keeps.
 * R3 Text is UTF-8, a pointer and a length in bytes, and may hold U+0000. The host only hands out valid UTF-8, and
 *    checks all that comes back.
 * R4 No unwinding, longjmp or exit across the boundary. A call that fails returns a status other than TM_OK, and may
 *    say why with host->set_error on the calling thread before it returns.
 * R5 Threads. [any]: any thread, concurrently. [worker]: one call at a time on one tm_worker; the thread may change
 *    between calls, so no thread-locals. [serial]: never beside another call on the same instance.
 * R6 A library whose entry function has returned is never unloaded.
 * R7 The plugin does no input or output and starts no threads, unless it declares a permission that says so.
 */
#ifndef TEXTMILL_PLUGIN_H
#define TEXTMILL_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TM_ABI_MAJOR 1u
#define TM_ABI_MINOR 0u
#define TM_DRAFT 1u
#define TM_MAGIC UINT64_C(0x6c6c696d74786574) /* "textmill" as little-endian bytes */

#if defined(_WIN32)
#define TM_EXPORT __declspec(dllexport)
#else
#define TM_EXPORT __attribute__((visibility("default")))
#endif

/* How a call ended. */
typedef int32_t tm_status;
enum {
  TM_OK = 0,
  TM_E_CONFIG = 1,      /* the options are wrong; host->config_error said where */
  TM_E_DOCUMENT = 2,    /* returned by the sink: this document has failed, go on with the next */
  TM_E_FATAL = 3,       /* the stage cannot go on; every document of the batch fails */
  TM_E_PANIC = 4,       /* as TM_E_FATAL, from a caught panic or exception */
  TM_E_UNSUPPORTED = 5, /* an optional feature that this side does not have */
  TM_E_CANCELLED = 6    /* host->cancelled was seen; the batch is not counted */
};

/* A slice of text or of JSON. ptr == NULL: the field is absent (len is 0 then). */
typedef struct {
  const uint8_t *ptr;
  size_t len;
} tm_str;

/* What a stage may do (permissions) and what it promises (claims). A host refuses a stage with a bit it does not
 * know, because a new bit may change what the others mean. */
enum {
  TM_MAP = 1 << 0,          /* permission: edits or rewrites the text, or sets fields */
  TM_FILTER = 1 << 1,       /* permission: drops documents */
  TM_EXPAND = 1 << 2,       /* permission: emits documents */
  TM_ONLY_DELETES = 1 << 3, /* claim: every edit of the text is a deletion */
  TM_PURE = 1 << 4,         /* claim: equal documents give equal results, whatever came before */
  TM_IDEMPOTENT = 1 << 5,   /* claim: its own output passes through it unchanged */
  TM_NETWORK = 1 << 16      /* permission: opens network connections */
};

/* The type of a field. TM_TEXT crosses as it is; every other type crosses as JSON. */
enum { TM_TEXT = 0, TM_BOOL = 1, TM_INT = 2, TM_FLOAT = 3, TM_TEXTS = 4, TM_JSON = 5 };

typedef struct {
  tm_str name;
  uint32_t type;     /* TM_TEXT .. TM_JSON */
  uint32_t reserved; /* 0 */
} tm_column;

/* What a rule does, so that a report can group what it did. */
enum { TM_RULE_DELETES = 1, TM_RULE_REWRITES = 2, TM_RULE_DROPS = 3 };

/* A reason for a change, by name. `name` is short, kebab-case and stable: reports and ledgers are keyed by it. */
typedef struct {
  tm_str name;
  tm_str summary;    /* one sentence: what it changes, on what evidence */
  uint32_t kind;     /* TM_RULE_DELETES .. TM_RULE_DROPS */
  uint32_t reserved; /* 0 */
} tm_rule;

/* A file that an option names (an option whose schema says "format": "resource"). The host opened it. */
typedef struct {
  tm_str path;  /* as the option has it */
  tm_str bytes; /* any bytes; valid until close */
} tm_resource;

/* Levels of host->log. */
enum { TM_ERROR = 1, TM_WARN = 2, TM_INFO = 3, TM_DEBUG = 4, TM_TRACE = 5 };

/* What the host offers. [static], every function [any]. */
typedef struct {
  size_t size;
  uint32_t abi_major, abi_minor;
  uint32_t draft;
  uint32_t reserved; /* 0 */
  void *ctx;         /* first argument of every function below */

  /* Says why the call in hand on this thread is about to return a status other than TM_OK. The last one counts. */
  void (*set_error)(void *ctx, tm_str message);

  /* During open: an option is wrong. `json_pointer` (RFC 6901) leads from the root of the options to the value; the
   * host shows the message at its place in the pipeline file. May be called more than once; return TM_E_CONFIG. */
  void (*config_error)(void *ctx, tm_str json_pointer, tm_str message);

  /* Non-zero if a message of this level and target would be shown. */
  int32_t (*log_enabled)(void *ctx, uint32_t level, tm_str target);

  /* Shows a message. `fields_json` is a JSON object or absent. */
  void (*log)(void *ctx, uint32_t level, tm_str target, tm_str message, tm_str fields_json);

  /* Non-zero when the run is being cancelled. Poll it in long loops; then return TM_E_CANCELLED. */
  int32_t (*cancelled)(void *ctx);

  /* An optional service by name, or NULL. What it points to is [static] and documented with the service. */
  const void *(*extension)(void *ctx, tm_str name);
} tm_host;

/* A batch of documents. Column c of document i is cols[c][i]. Column 0 is the text and never absent; column 1 + r is
 * field r of tm_plan.reads. The slices point into the host's own buffers. */
typedef struct {
  size_t size;
  size_t n_docs, n_cols;
  const tm_str *const *cols;
} tm_batch;

/* Replaces the bytes [start, end) of the text. Both lie on character boundaries. An empty replacement deletes; a
 * replacement that is absent (ptr == NULL) deletes too. `rule` is an index into tm_plan.rules. */
typedef struct {
  uint64_t start, end;
  tm_str replacement;
  uint32_t rule;
  uint32_t reserved; /* 0 */
} tm_edit;

/* Where a stage puts its results; every function [worker], within process only. Everything is copied before the call
 * returns. A document that is not touched stays as it is. A function answers TM_E_DOCUMENT when what it was given is
 * wrong: then this document has failed with a message that names the stage, and what it put here is discarded. */
typedef struct {
  size_t size;
  void *ctx; /* first argument of every function below */

  /* Ends document i here, for the reason `rule` (of kind TM_RULE_DROPS). */
  tm_status (*drop)(void *ctx, size_t i, uint32_t rule);

  /* Edits the text of document i: ascending, disjoint. Called again for the same document, its edits follow those of
   * the calls before. */
  tm_status (*edit)(void *ctx, size_t i, const tm_edit *edits, size_t n_edits);

  /* Gives document i a whole new text. Not beside edits of the same document. */
  tm_status (*rewrite)(void *ctx, size_t i, tm_str text, uint32_t rule);

  /* Sets field `write_col` (an index into tm_plan.writes) of document i; an absent value removes the field. */
  tm_status (*set)(void *ctx, size_t i, size_t write_col, tm_str value);

  /* One more document, which follows document `parent` and goes on to the next stage. cols[0] is its text,
   * cols[1 + w] its field w of tm_plan.writes; n_cols may be smaller. Its id is the parent's, `#` and a number. */
  tm_status (*emit)(void *ctx, size_t parent, const tm_str *cols, size_t n_cols);

  /* A number that reports draw, and the threshold that decided (NaN: none). */
  tm_status (*score)(void *ctx, size_t i, tm_str name, double value, double threshold);

  /* Document i has failed; what it put here is discarded, and so are its edits. */
  tm_status (*fail)(void *ctx, size_t i, tm_str message);
} tm_sink;

/* What an opened stage reads, writes, may do and can name as a rule, given its options. */
typedef struct {
  size_t size;
  uint64_t may;            /* permissions: a subset of tm_stage.may; claims: at least those of tm_stage.may */
  const tm_column *reads;  /* beside the text; only these are decoded */
  size_t n_reads;
  const tm_column *writes; /* `set` and `emit` take values of the declared type; the host checks */
  size_t n_writes;
  const tm_rule *rules;
  size_t n_rules;
} tm_plan;

typedef struct tm_instance tm_instance; /* the plugin's: options and shared read-only state */
typedef struct tm_worker tm_worker;     /* the plugin's: scratch of one worker */

/* A kind of stage. [static] */
typedef struct {
  size_t size;
  tm_str name;          /* kebab-case, a verb */
  tm_str summary;       /* one line */
  tm_str manual;        /* Markdown, may be absent */
  uint64_t may;         /* the most it may do with any options, and the claims it makes with all */
  tm_str config_schema; /* JSON Schema (2020-12) of the options, an object */

  /* [any] `config_json` has passed the schema. On TM_OK *out is set. */
  tm_status (*open)(const tm_host *host, tm_str config_json, const tm_resource *resources, size_t n_resources,
                    tm_instance **out);
  /* [any] The host has set out->size. What is filled in stays valid until close. */
  tm_status (*describe)(const tm_instance *instance, tm_plan *out);
  /* [serial] After all its workers are freed. */
  void (*close)(tm_instance *instance);
  /* [any] */
  tm_status (*worker_new)(const tm_instance *instance, tm_worker **out);
  /* [worker] */
  void (*worker_free)(tm_worker *worker);
  /* [worker] */
  tm_status (*process)(tm_worker *worker, const tm_batch *batch, const tm_sink *sink);
} tm_stage;

/* A plugin. [static] */
typedef struct {
  uint64_t magic; /* TM_MAGIC */
  size_t size;
  uint32_t abi_major, abi_minor; /* minor: the lowest it needs */
  uint32_t draft;                /* TM_DRAFT */
  uint32_t reserved;             /* 0 */
  tm_str name, version, license;
  tm_str build_info; /* a JSON object, may be absent: sdk, compiler, target */
  const tm_stage *const *stages;
  size_t n_stages;
} tm_plugin;

/* The one exported symbol. [any], idempotent and quick; the host calls it once after loading. NULL: the plugin cannot
 * work with this host. */
TM_EXPORT const tm_plugin *textmill_plugin_v1(const tm_host *host);

#ifdef __cplusplus
}
#endif
#endif
