/* textmill_plugin.hpp: stages in C++17. A thin wrapper of textmill_plugin.h, which holds the contract; all of it is
 * compiled into the plugin that includes it.
 *
 * A stage is a class, here called Stage, with:
 *
 *   static constexpr std::string_view name, summary, config_schema;   what tm_stage says of them
 *   static constexpr uint64_t may;                                    the most it may do, with any options
 *   Stage(const textmill::Options &, textmill::Plan &);               opens it; declares fields and rules
 *   void process(textmill::Document &) const;                         called by many threads at once
 *
 * and a plugin is one line, TM_PLUGIN("name", "1.0.0", "MIT", Stage, ...), in one source file.
 *
 * What the wrapper sees to:
 *
 * - A rule is a handle that says what it can do: remove() takes textmill::Deletes, replace() and rewrite() take
 *   textmill::Rewrites, drop() takes textmill::Drops. Fields are handles too. The plan is made of the handles that were
 *   asked for.
 * - No exception crosses the boundary. textmill::ConfigError from the constructor is shown at its place in the pipeline
 *   file; any exception from process() fails the document in hand with its what(), and the stage goes on with the next.
 * - Answers are collected and handed over when process() returns, so a document that throws leaves none behind. Edits
 *   may be asked for in any order.
 *
 * A std::string_view that a Document gives is valid until process() returns. Rule names and summaries are literals. */
#ifndef TEXTMILL_PLUGIN_HPP
#define TEXTMILL_PLUGIN_HPP

#include <algorithm>
#include <cmath>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "textmill_plain.h"

namespace textmill {

inline std::string_view view(tm_str text) { return {reinterpret_cast<const char *>(text.ptr), text.len}; }

inline tm_str str(std::string_view text) {
  static const uint8_t empty = 0; /* what is empty is not absent */
  return {text.data() ? reinterpret_cast<const uint8_t *>(text.data()) : &empty, text.size()};
}

/* An option is wrong in a way that no schema can say. The pointer (RFC 6901) leads to it from the root of the options. */
class ConfigError : public std::runtime_error {
 public:
  ConfigError(std::string pointer, const std::string &message)
      : std::runtime_error(message), pointer_(std::move(pointer)) {}
  const std::string &pointer() const { return pointer_; }

 private:
  std::string pointer_;
};

/* The options, which have passed the schema: so a member is of the type that the schema says, or absent. Valid during the
 * constructor of a stage. */
class Options {
 public:
  Options(tm_str json, const tm_resource *files, size_t n_files) : json_(json), files_(files), n_files_(n_files) {}

  std::optional<std::string> text(const char *key) const {
    const tm_str value = tm_json_member(json_, key);
    if (value.ptr == nullptr) return std::nullopt;
    std::string text(value.len, '\0');
    text.resize(tm_json_text(value, reinterpret_cast<uint8_t *>(text.data())));
    return text;
  }
  int64_t integer(const char *key, int64_t otherwise) const {
    return tm_json_int(tm_json_member(json_, key), otherwise);
  }
  bool boolean(const char *key, bool otherwise) const {
    return tm_json_bool(tm_json_member(json_, key), otherwise) != 0;
  }
  /* The bytes of the file that the option at this pointer names ("format": "resource"). They stay as long as the stage. */
  std::optional<std::string_view> file(std::string_view pointer) const {
    for (size_t i = 0; i < n_files_; i++)
      if (view(files_[i].json_pointer) == pointer) return view(files_[i].bytes);
    return std::nullopt;
  }
  /* All of them, for a JSON library. */
  std::string_view json() const { return view(json_); }

 private:
  tm_str json_;
  const tm_resource *files_;
  size_t n_files_;
};

/* Handles; see Plan. */
struct Deletes { uint32_t rule; };
struct Rewrites { uint32_t rule; };
struct Drops { uint32_t rule; };
struct Emits { explicit Emits() = default; };
struct Read { size_t column; };
struct Write { size_t column; };

/* Declares what a stage reads, writes and may do. Rules are literals; names of fields are copied. */
class Plan {
 public:
  Deletes deletes(std::string_view name, std::string_view summary) { return {rule(name, summary, TM_RULE_DELETES)}; }
  Rewrites rewrites(std::string_view name, std::string_view summary) { return {rule(name, summary, TM_RULE_REWRITES)}; }
  Drops drops(std::string_view name, std::string_view summary) { return {rule(name, summary, TM_RULE_DROPS)}; }
  Emits emits() { return may_ |= TM_EXPAND, Emits{}; }
  /* `type` is TM_TEXT .. TM_JSON. */
  Read reads(std::string_view name, uint32_t type) { return {column(reads_, name, type)}; }
  Write writes(std::string_view name, uint32_t type) { return may_ |= TM_MAP, Write{column(writes_, name, type)}; }
  /* TM_PURE, TM_IDEMPOTENT: what the stage promises with these options. */
  void claim(uint64_t claims) { may_ |= claims; }

  void fill(tm_plan &out) const {
    out.may = only_deletes_ ? may_ | TM_ONLY_DELETES : may_;
    out.reads = reads_.data(), out.n_reads = reads_.size();
    out.writes = writes_.data(), out.n_writes = writes_.size();
    out.rules = rules_.data(), out.n_rules = rules_.size();
  }

 private:
  uint32_t rule(std::string_view name, std::string_view summary, uint32_t kind) {
    may_ |= kind == TM_RULE_DROPS ? TM_FILTER : TM_MAP;
    only_deletes_ = only_deletes_ && kind != TM_RULE_REWRITES;
    rules_.push_back({str(name), str(summary), kind, 0});
    return static_cast<uint32_t>(rules_.size() - 1);
  }
  size_t column(std::vector<tm_column> &columns, std::string_view name, uint32_t type) {
    names_.push_back(std::make_unique<std::string>(name));
    columns.push_back({str(*names_.back()), type, 0});
    return columns.size() - 1;
  }

  uint64_t may_ = 0;
  bool only_deletes_ = true;
  std::vector<tm_column> reads_, writes_;
  std::vector<tm_rule> rules_;
  std::vector<std::unique_ptr<std::string>> names_;
};

/* A document in hand: what is in it, and the answers to it. */
class Document {
 public:
  Document(const tm_batch &batch, size_t i) : batch_(batch), i_(i) {}

  std::string_view text() const { return view(batch_.cols[0][i_]); }
  /* A field: text of TM_TEXT, else JSON. Nothing where the document has no such field or null. */
  std::optional<std::string_view> get(Read field) const {
    const tm_str value = batch_.cols[1 + field.column][i_];
    return value.ptr ? std::optional(view(value)) : std::nullopt;
  }

  /* Bytes [start, end) of the text, both on character boundaries, in any order, not overlapping. */
  void remove(size_t start, size_t end, Deletes rule) { edit(start, end, {}, rule.rule); }
  void replace(size_t start, size_t end, std::string with, Rewrites rule) {
    edit(start, end, std::move(with), rule.rule);
  }
  /* A whole new text; not beside edits. */
  void rewrite(std::string text, Rewrites rule) { rewrite_.emplace(std::move(text), rule.rule); }
  void set(Write field, std::string value) { sets_.emplace_back(field.column, std::move(value)); }
  void set(Write field, int64_t value) { set(field, std::to_string(value)); }
  void set(Write field, bool value) { set(field, std::string(value ? "true" : "false")); }
  void set(Write field, const char *value) { set(field, std::string(value)); }
  void set(Write field, int value) { set(field, static_cast<int64_t>(value)); }
  void unset(Write field) { sets_.emplace_back(field.column, std::nullopt); }
  /* One more document. Its fields: handle and value, as for set(). */
  void emit(std::string text, const std::vector<std::pair<Write, std::string>> &fields, Emits) {
    std::vector<std::optional<std::string>> columns{std::move(text)};
    for (const auto &[field, value] : fields) {
      if (columns.size() < field.column + 2) columns.resize(field.column + 2);
      columns[field.column + 1] = value;
    }
    emits_.push_back(std::move(columns));
  }
  void score(std::string_view name, double value, double threshold = NAN) {
    scores_.push_back({std::string(name), value, threshold});
  }
  void drop(Drops rule) { drop_ = rule.rule; }

  /* Hands the answers over. A status other than TM_OK says that the host has failed the document: the rest is of no use. */
  void deliver(const tm_sink &sink) {
    std::stable_sort(edits_.begin(), edits_.end(), [](const auto &a, const auto &b) { return a.start < b.start; });
    for (const Edit &it : edits_) {
      const tm_edit edit = {it.start, it.end, str(it.replacement), it.rule, 0};
      if (sink.edit(sink.ctx, i_, &edit, 1) != TM_OK) return;
    }
    if (rewrite_ && sink.rewrite(sink.ctx, i_, str(rewrite_->first), rewrite_->second) != TM_OK) return;
    for (const auto &[column, value] : sets_)
      if (sink.set(sink.ctx, i_, column, optional(value)) != TM_OK) return;
    for (const auto &document : emits_) {
      std::vector<tm_str> columns;
      for (const auto &value : document) columns.push_back(optional(value));
      if (sink.emit(sink.ctx, i_, columns.data(), columns.size()) != TM_OK) return;
    }
    for (const Score &it : scores_)
      if (sink.score(sink.ctx, i_, str(it.name), it.value, it.threshold) != TM_OK) return;
    if (drop_) sink.drop(sink.ctx, i_, *drop_);
  }

 private:
  struct Edit { size_t start, end; std::string replacement; uint32_t rule; };
  struct Score { std::string name; double value, threshold; };

  void edit(size_t start, size_t end, std::string replacement, uint32_t rule) {
    edits_.push_back({start, end, std::move(replacement), rule});
  }
  static tm_str optional(const std::optional<std::string> &value) { return value ? str(*value) : tm_str{nullptr, 0}; }

  const tm_batch &batch_;
  size_t i_;
  std::vector<Edit> edits_;
  std::optional<std::pair<std::string, uint32_t>> rewrite_;
  std::vector<std::pair<size_t, std::optional<std::string>>> sets_;
  std::vector<std::vector<std::optional<std::string>>> emits_;
  std::vector<Score> scores_;
  std::optional<uint32_t> drop_;
};

/* The functions of a stage, as the contract has them. */
template <typename Stage>
class Table {
 public:
  static const tm_stage *get() {
    static const tm_stage table = {sizeof(tm_stage), str(Stage::name), str(Stage::summary), {nullptr, 0},
                                   Stage::may, str(Stage::config_schema), open, describe, close, worker_new,
                                   worker_free, process};
    return &table;
  }

 private:
  struct Instance {
    Instance(const tm_host *host, const Options &options) : host(host), stage(options, plan) {}
    const tm_host *host;
    Plan plan;
    Stage stage;
  };
  static Instance *of(const tm_instance *instance) {
    return reinterpret_cast<Instance *>(const_cast<tm_instance *>(instance));
  }

  static tm_status open(const tm_host *host, tm_str config, const tm_resource *files, size_t n_files,
                        tm_instance **out) noexcept try {
    *out = reinterpret_cast<tm_instance *>(new Instance(host, Options(config, files, n_files)));
    return TM_OK;
  } catch (const ConfigError &error) {
    host->config_error(host->ctx, str(error.pointer()), str(error.what()));
    return TM_E_CONFIG;
  } catch (const std::exception &error) {
    host->set_error(host->ctx, str(error.what()));
    return TM_E_PANIC;
  } catch (...) {
    return TM_E_PANIC;
  }

  static tm_status describe(const tm_instance *instance, tm_plan *out) noexcept {
    of(instance)->plan.fill(*out);
    return TM_OK;
  }
  static void close(tm_instance *instance) noexcept { delete of(instance); }

  /* A stage is const while it works, so it is its own worker. */
  static tm_status worker_new(const tm_instance *instance, tm_worker **out) noexcept {
    *out = reinterpret_cast<tm_worker *>(const_cast<tm_instance *>(instance));
    return TM_OK;
  }
  static void worker_free(tm_worker *) noexcept {}

  static tm_status process(tm_worker *worker, const tm_batch *batch, const tm_sink *sink) noexcept {
    const Instance &self = *of(reinterpret_cast<tm_instance *>(worker));
    for (size_t i = 0; i < batch->n_docs; i++) {
      if (self.host->cancelled(self.host->ctx)) return TM_E_CANCELLED;
      try {
        Document document(*batch, i);
        self.stage.process(document);
        document.deliver(*sink);
      } catch (const std::exception &error) {
        sink->fail(sink->ctx, i, str(error.what()));
      } catch (...) {
        sink->fail(sink->ctx, i, str("threw something that is no std::exception"));
      }
    }
    return TM_OK;
  }
};

template <typename... Stages>
const tm_plugin *plugin(const tm_host *host, std::string_view name, std::string_view version,
                        std::string_view license) noexcept {
  if (host->abi_major != TM_ABI_MAJOR || host->size < TM_HOST_SIZE_1_0) return nullptr;
  static const tm_stage *const stages[] = {Table<Stages>::get()...};
  static const tm_plugin plugin = {TM_MAGIC, sizeof(tm_plugin), TM_ABI_MAJOR, 0, TM_DRAFT, 0, str(name),
                                   str(version), str(license), str("{\"language\": \"c++\"}"), stages,
                                   sizeof...(Stages)};
  return &plugin;
}

}  // namespace textmill

/* Exports a plugin: its name, version and licence as literals, and its stages. */
#define TM_PLUGIN(name, version, license, ...)                                       \
  extern "C" TM_EXPORT const tm_plugin *textmill_plugin_v1(const tm_host *host) {    \
    return textmill::plugin<__VA_ARGS__>(host, name, version, license);              \
  }

#endif
