/* textmill_plugin.h: the contract between textmill (the host) and a plugin (a shared library that offers stages).
 *
 * This file is all that a plugin needs. It is a draft until the first release: TM_DRAFT of host and plugin must be
 * equal. What may ever change in it is written in STABILITY.md beside it.
 *
 * The life of a plugin, in the order of the calls that the host makes:
 *
 *   textmill_plugin_v1              once, after the library is loaded
 *     stage.open                    for each use of the stage in a pipeline: an instance
 *       stage.describe              once or more, before the first worker
 *         stage.worker_new          for each thread that will work: a worker
 *           stage.process           for each batch of documents
 *         stage.worker_free
 *     stage.close                   after the last of its workers is freed
 *
 * The rules:
 *
 * R1 Sizes. A struct that may grow has a field `size`, set to sizeof by whoever fills the struct (of tm_plan: by the
 *    host, which provides it). Within a major version fields are added only at the end, and one that is 0 means what
 *    it meant when there was no such field. So both sides accept a struct that is longer than they know (they ignore
 *    the rest) or shorter (they take the rest for 0), but none shorter than TM_..._SIZE_1_0; and nobody reads, writes
 *    or copies a byte beyond the `size` that a struct says. TM_HAS tells whether a field is there. Structs without
 *    `size` stand in arrays and never grow.
 * R2 Reserved. A field named `reserved` is set to 0, and the host refuses any other value.
 * R3 Ownership. Nobody frees the other side's memory. What a call is given is valid until that call returns, unless it
 *    is marked [static] (valid, and unchanged, for the life of the process) or a comment says otherwise. Whoever wants
 *    to keep something longer copies it. Pointers are never NULL unless a comment says so; an array of length 0 may
 *    be.
 * R4 Text is UTF-8: a pointer and a length in bytes, not terminated, and it may hold U+0000. The host hands out
 *    nothing but valid UTF-8, and checks all that comes back.
 * R5 No unwinding, no longjmp and no exit across the boundary, in either direction: an exception or a panic is caught
 *    on the side on which it was raised. A call that fails returns a status other than TM_OK, and may say why by
 *    host->set_error before it returns. A status that is not in the list below is taken for TM_E_FATAL.
 * R6 Threads. Every function is marked with one of these:
 *      [any]     on any thread, beside any other call;
 *      [serial]  on any thread, beside no other call on the same instance or on a worker of it;
 *      [worker]  beside no other call on the same worker. The thread may be another from one call to the next, so
 *                nothing is kept in thread-locals.
 *    The host's threads have at least 1 MiB of stack. No function of the host calls back into the plugin.
 * R7 The host may hand a document out again, alone or among others, to another worker or in another process, and
 *    discard the answers of a call: after a crash, for instance. So nothing a stage keeps may depend on what it has
 *    seen, and a worker's scratch must not reach a result.
 * R8 A plugin does no input or output, starts no threads, and changes nothing that belongs to the whole process
 *    (signal handlers, locale, floating-point mode, environment, current directory), unless it has a permission that
 *    says so.
 * R9 A library whose entry has been called is never unloaded.
 */
#ifndef TEXTMILL_PLUGIN_H
#define TEXTMILL_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this contract, which is independent of textmill's own. */
#define TM_ABI_MAJOR 1u
#define TM_ABI_MINOR 0u
/* Counts the drafts of version 1.0. Plugin and host must have the same; 0 once the contract is frozen. */
#define TM_DRAFT 2u
#define TM_MAGIC UINT64_C(0x6c6c696d74786574) /* "textmill" as little-endian bytes */

#if defined(_WIN32)
#define TM_EXPORT __declspec(dllexport)
#else
#define TM_EXPORT __attribute__((visibility("default")))
#endif

/* The size of a struct up to and with a field, and whether the struct behind a pointer has that field (R1). */
#define TM_SIZE_TO(type, field) (offsetof(type, field) + sizeof(((type *)0)->field))
#define TM_HAS(pointer, type, field) ((pointer)->size >= TM_SIZE_TO(type, field))

/* A tm_str of a string literal, as an initialiser: tm_str name = TM_LITERAL("shout"); */
#define TM_LITERAL(text) {(const uint8_t *)(text), sizeof(text) - 1}

/* How a call ended. */
typedef int32_t tm_status;
enum {
  TM_OK = 0,
  TM_E_CONFIG = 1,      /* from open: the options are wrong; host->config_error said where */
  TM_E_DOCUMENT = 2,    /* from the sink: this document has failed, go on with the next */
  TM_E_FATAL = 3,       /* the call could not do its work; from process: every document of the batch fails,
                         * or with isolation those that fail when they are passed on alone */
  TM_E_PANIC = 4,       /* as TM_E_FATAL, from a caught panic or exception */
  TM_E_UNSUPPORTED = 5, /* an optional feature that this side does not have, or not for this document */
  TM_E_CANCELLED = 6    /* from process: host->cancelled was not 0; nothing of the batch counts */
};

/* A slice of text or of JSON, or any bytes where a comment says so. ptr == NULL: absent, and then len is 0. A slice
 * that is present and empty has a ptr that is not NULL. */
typedef struct tm_str {
  const uint8_t *ptr;
  size_t len;
} tm_str;

/* What a stage may do (permissions), and what it promises (claims), as bits of a uint64_t. A stage that says nothing
 * may do nothing: one without TM_FILTER never drops a document, one without TM_EXPAND never emits one, one without
 * TM_MAP leaves text and fields as they are. The host holds a stage to its permissions.
 *
 * Bits 0 to 31 must be understood: a host refuses a stage that sets one it does not know. Bits 32 to 63 are for claims
 * that a host may ignore when it does not know them. */
enum {
  TM_MAP = 1 << 0,          /* permission: edits or rewrites the text, or sets fields */
  TM_FILTER = 1 << 1,       /* permission: drops documents */
  TM_EXPAND = 1 << 2,       /* permission: emits documents */
  TM_ONLY_DELETES = 1 << 3, /* claim: every change of the text is a deletion */
  TM_PURE = 1 << 4,         /* claim: equal documents and options give equal answers, whatever came before */
  TM_IDEMPOTENT = 1 << 5,   /* claim: its own output passes through it unchanged */
  TM_NETWORK = 1 << 16      /* permission: opens network connections */
};

/* The type of a field, and how its values cross: text as it is, every other type as JSON. */
enum {
  TM_TEXT = 0,
  TM_BOOL = 1,  /* true or false */
  TM_INT = 2,   /* a whole number of 64 bits with a sign */
  TM_FLOAT = 3, /* a number; JSON has no infinities and no NaN */
  TM_TEXTS = 4, /* an array of strings */
  TM_JSON = 5   /* any JSON value, nested no deeper than 128 */
};

/* A field that a stage reads or sets. */
typedef struct tm_column {
  tm_str name;       /* as in the documents; any text that is not empty */
  uint32_t type;     /* TM_TEXT .. TM_JSON */
  uint32_t reserved; /* 0 */
} tm_column;

/* What a rule does, so that a report can group what it did. */
enum {
  TM_RULE_DELETES = 1,  /* deletes parts of the text */
  TM_RULE_REWRITES = 2, /* replaces parts of the text, or all of it */
  TM_RULE_DROPS = 3     /* drops documents */
};

/* A reason for a change, by name. Names are stable, as reports and ledgers are keyed by them: 1 to 64 bytes of
 * lower-case ASCII letters, digits and hyphens, a letter first. */
typedef struct tm_rule {
  tm_str name;
  tm_str summary;    /* one sentence: what it changes, on what evidence */
  uint32_t kind;     /* TM_RULE_DELETES .. TM_RULE_DROPS */
  uint32_t reserved; /* 0 */
} tm_rule;

/* A file that an option names: one whose schema says "format": "resource". The host has opened and read it. */
typedef struct tm_resource {
  tm_str json_pointer; /* which option (RFC 6901), from the root of the options */
  tm_str path;         /* as the option has it */
  tm_str bytes;        /* any bytes; valid, and unchanged, until close */
} tm_resource;

/* Levels of host->log. */
enum { TM_ERROR = 1, TM_WARN = 2, TM_INFO = 3, TM_DEBUG = 4, TM_TRACE = 5 };

/* What the host offers. [static], the same one in every call. The plugin calls these functions, from within a call
 * that the host makes and on the thread of that call; then each is [any]. What they are given they copy. */
typedef struct tm_host {
  size_t size;
  uint32_t abi_major, abi_minor; /* what the host has */
  uint32_t draft;                /* TM_DRAFT of the host */
  uint32_t reserved;             /* 0 */
  void *ctx;                     /* the first argument of every function below; may be NULL */

  /* Says, for a person, why the call in hand is about to return a status other than TM_OK. The last one counts; one in
   * a call that then returns TM_OK is forgotten. */
  void (*set_error)(void *ctx, tm_str message);

  /* Only during open: an option is wrong in a way that no schema can say. `json_pointer` (RFC 6901) leads from the root
   * of the options to the value, and the host shows the message at its place in the pipeline file. May be called more
   * than once; then return TM_E_CONFIG. */
  void (*config_error)(void *ctx, tm_str json_pointer, tm_str message);

  /* Not 0 if a message of this level and target would be shown. A target names the part of the plugin that speaks. */
  int32_t (*log_enabled)(void *ctx, uint32_t level, tm_str target);

  /* Shows a message. `fields_json` is a JSON object, or absent. */
  void (*log)(void *ctx, uint32_t level, tm_str target, tm_str message, tm_str fields_json);

  /* Not 0 when the run is being cancelled. Only during process: ask between documents and in long loops, and then
   * return TM_E_CANCELLED. */
  int32_t (*cancelled)(void *ctx);

  /* An optional service by name, or NULL where this host has none of that name. What it points to is [static]; its type
   * is written with the service, at the end of this file. Ask in open and keep the pointer. */
  const void *(*extension)(void *ctx, tm_str name);
} tm_host;
#define TM_HOST_SIZE_1_0 TM_SIZE_TO(tm_host, extension)

/* A batch of documents, made by the host for one call of process. Column c of document i is cols[c][i], with
 * i < n_docs and c < n_cols. Column 0 is the text and never absent; column 1 + r is field r of tm_plan.reads, absent
 * where the document has no such field or null. n_docs may be 0. */
typedef struct tm_batch {
  size_t size;
  size_t n_docs, n_cols;
  const tm_str *const *cols;
  void *ctx; /* the host's own, for optional services that speak of the documents of this batch; may be NULL */
} tm_batch;
#define TM_BATCH_SIZE_1_0 TM_SIZE_TO(tm_batch, ctx)

/* Replaces the bytes [start, end) of the text, both on character boundaries. An empty or absent replacement deletes.
 * `rule` is an index into tm_plan.rules; one of kind TM_RULE_DELETES can only delete. */
typedef struct tm_edit {
  uint64_t start, end;
  tm_str replacement;
  uint32_t rule;
  uint32_t reserved; /* 0 */
} tm_edit;

/* Where a stage puts its answers, made by the host for one call of process: the plugin calls these functions from
 * within that call and on its thread. In any order; answers to one document may come in several calls. A document that
 * gets none stays as it is and goes on to the next stage. What a function is given it copies.
 *
 * A function answers TM_OK, or TM_E_DOCUMENT if what it was given is wrong or its document has failed already. Then
 * the document has failed, with a message that names the stage, and what it put here is discarded; go on with the
 * next. An `i` that is not below n_docs is a mistake that fails the whole batch. */
typedef struct tm_sink {
  size_t size;
  void *ctx; /* the first argument of every function below */

  /* Ends document i here, for the reason `rule`, of kind TM_RULE_DROPS. */
  tm_status (*drop)(void *ctx, size_t i, uint32_t rule);

  /* Edits the text of document i: ascending, disjoint, and behind the edits of calls before. All edits speak of the
   * text as it is in the batch. */
  tm_status (*edit)(void *ctx, size_t i, const tm_edit *edits, size_t n_edits);

  /* Gives document i a whole new text, for the reason `rule`, of kind TM_RULE_REWRITES. Once for a document, and not
   * beside edits: those say more. */
  tm_status (*rewrite)(void *ctx, size_t i, tm_str text, uint32_t rule);

  /* Sets field `write` (an index into tm_plan.writes) of document i to a value of the declared type; an absent value
   * removes the field. The last call counts. */
  tm_status (*set)(void *ctx, size_t i, size_t write, tm_str value);

  /* Adds a document, which follows document `parent` and those it got before, and goes on to the next stage. cols[0]
   * is its text, cols[1 + w] its field w of tm_plan.writes, absent for none; n_cols may be smaller. It inherits nothing
   * but its id: the parent's, `#` and a number. The parent stays, unless it is dropped too. */
  tm_status (*emit)(void *ctx, size_t parent, const tm_str *cols, size_t n_cols);

  /* A number that reports draw, and the threshold that decided (NaN: none). `name` is as the name of a rule. */
  tm_status (*score)(void *ctx, size_t i, tm_str name, double value, double threshold);

  /* Document i has failed, and `message` says to a person why. */
  tm_status (*fail)(void *ctx, size_t i, tm_str message);
} tm_sink;
#define TM_SINK_SIZE_1_0 TM_SIZE_TO(tm_sink, fail)

/* What an opened stage reads, writes, may do and can name as a rule, given its options. The host provides the struct,
 * with `size` set and all else 0; the plugin fills it in and leaves `size` alone. */
typedef struct tm_plan {
  size_t size;
  uint64_t may;            /* permissions: not more than tm_stage.may has; claims: not fewer */
  const tm_column *reads;  /* beside the text. Only these are decoded; `id` can be read, as TM_TEXT */
  size_t n_reads;
  const tm_column *writes; /* what set and emit can name; neither `text` nor `id` */
  size_t n_writes;
  const tm_rule *rules;    /* no two of the same name */
  size_t n_rules;
} tm_plan;
#define TM_PLAN_SIZE_1_0 TM_SIZE_TO(tm_plan, n_rules)

typedef struct tm_instance tm_instance; /* the plugin's: a stage with its options, read-only once it is open */
typedef struct tm_worker tm_worker;     /* the plugin's: scratch for one call of process at a time */

/* A kind of stage. [static]; the host calls these functions. */
typedef struct tm_stage {
  size_t size;
  tm_str name;          /* what a pipeline file calls it: a verb, spelled as the name of a rule */
  tm_str summary;       /* one line */
  tm_str manual;        /* Markdown, may be absent */
  uint64_t may;         /* the most it may do with any options, and the claims it makes with all */
  tm_str config_schema; /* a JSON Schema (2020-12) of the options, which are an object */

  /* [any] Makes an instance. `host` is the one that the entry was given. `config_json` are the options as one JSON
   * object that has passed the schema; `{}` if the pipeline file has none. `resources` are the files that options
   * name; the array and the bytes stay until close. On TM_OK *out is set, and close will be called with it once; on
   * any other status *out is not looked at. Options that are wrong: host->config_error and TM_E_CONFIG; something that
   * the host lacks: TM_E_UNSUPPORTED. */
  tm_status (*open)(const tm_host *host, tm_str config_json, const tm_resource *resources, size_t n_resources,
                    tm_instance **out);

  /* [any] Fills in the plan of an instance, the same each time. What it points to stays, unchanged, until close. */
  tm_status (*describe)(const tm_instance *instance, tm_plan *out);

  /* [serial] Frees the instance. The last call on it; all its workers are freed by then. */
  void (*close)(tm_instance *instance);

  /* [any] Makes a worker. On TM_OK *out is set, and worker_free will be called with it once. */
  tm_status (*worker_new)(const tm_instance *instance, tm_worker **out);

  /* [worker] Frees the worker, on any thread. The last call on it. */
  void (*worker_free)(tm_worker *worker);

  /* [worker] Looks at each document of the batch and puts the answers into the sink. Batch and sink are valid until it
   * returns. TM_OK: the answers count, and documents that failed in the sink have failed. TM_E_CANCELLED: see
   * host->cancelled. Any other status: every document of the batch has failed, with the message of host->set_error. The
   * worker must be fit for the next batch, whatever it returned. */
  tm_status (*process)(tm_worker *worker, const tm_batch *batch, const tm_sink *sink);
} tm_stage;
#define TM_STAGE_SIZE_1_0 TM_SIZE_TO(tm_stage, process)

/* A plugin. [static] */
typedef struct tm_plugin {
  uint64_t magic; /* TM_MAGIC */
  size_t size;
  uint32_t abi_major; /* TM_ABI_MAJOR */
  uint32_t abi_minor; /* the lowest minor that it can work with: 0, unless it cannot do without something newer */
  uint32_t draft;     /* TM_DRAFT */
  uint32_t reserved;  /* 0 */
  tm_str name;        /* of the library; any text on one line */
  tm_str version;     /* its own, as SemVer */
  tm_str license;     /* an SPDX expression, may be absent */
  tm_str build_info;  /* a JSON object, may be absent: language, sdk, compiler, target */
  const tm_stage *const *stages;
  size_t n_stages;
} tm_plugin;
#define TM_PLUGIN_SIZE_1_0 TM_SIZE_TO(tm_plugin, n_stages)

/* The one symbol that a plugin exports; a later major has a name of its own. [any] The host calls it once after it has
 * loaded the library, and may call it again: the answer is the same. It returns quickly. It may keep `host`, but look
 * at no more than size, version and draft of it unless abi_major is TM_ABI_MAJOR. NULL: the plugin cannot work with
 * this host. */
TM_EXPORT const tm_plugin *textmill_plugin_v1(const tm_host *host);

/* Optional services.
 *
 * Each is a struct that host->extension gives for its name. The number at the end of the name is the service's major
 * version: within one, the struct grows as R1 says. A plugin must work without any of them. */

/* Lines, sentences and words of the documents in hand. The host finds each when it is first asked for, and shares what
 * it has found with all stages that ask, until one edits the text. */
#define TM_SEGMENTS "textmill.segments/1"

/* The bytes [start, end) of a text, both on character boundaries. */
typedef struct tm_segment {
  uint32_t start, end;
  uint32_t flags; /* of a line: 0, 1 or 2, the bytes of its end (none, \n, \r\n), which lie inside of the segment; of a
                     word: TM_WORD_UNSPACED or 0; of a sentence: 0 */
} tm_segment;
enum { TM_WORD_UNSPACED = 1 }; /* one character of a script that puts no space between words */

/* Segments of one text, ascending and disjoint. Valid until the call of process returns. */
typedef struct tm_segments {
  const tm_segment *ptr; /* may be NULL if len is 0 */
  size_t len;
} tm_segments;

/* [static] The plugin calls these functions during process, on its thread; `ctx` is tm_batch.ctx, and i < n_docs. Each
 * answers TM_OK and sets *out, or TM_E_UNSUPPORTED: then find them yourself, one at a time.
 *
 * `only_if_shared`: 0 for a plugin that has no other way; the answer is TM_E_UNSUPPORTED only for a text that is too long
 * for the host to keep its segments. Not 0 for one that can find the same itself: then the answer is TM_E_UNSUPPORTED
 * too where no other stage of the pipeline asks, as keeping what is used once costs more than it saves. */
typedef struct tm_segments_service {
  size_t size;

  /* Lines end with \n, with \r\n or with the text. The segments cover the text; one that ends with \n has no empty line
   * after it, and an empty text has no line. */
  tm_status (*lines)(void *ctx, size_t i, uint32_t only_if_shared, tm_segments *out);

  /* Sentences without the white space around them. `language` is an ISO 639-1 code (`de`, `pt-BR`), which adds
   * abbreviations of that language, or absent. */
  tm_status (*sentences)(void *ctx, size_t i, tm_str language, uint32_t only_if_shared, tm_segments *out);

  /* Words: runs of letters, digits and marks, with the apostrophes, and the points in numbers, inside of them; and
   * single characters of scripts that put no space between words. */
  tm_status (*words)(void *ctx, size_t i, uint32_t only_if_shared, tm_segments *out);
} tm_segments_service;
#define TM_SEGMENTS_SERVICE_SIZE_1_0 TM_SIZE_TO(tm_segments_service, words)

#ifdef __cplusplus
}
#endif
#endif
