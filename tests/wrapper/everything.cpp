/* A stage that uses all of textmill_plugin.hpp: it obeys the words of the text. */
#include <textmill_plugin.hpp>

class Everything {
 public:
  static constexpr std::string_view name = "everything";
  static constexpr std::string_view summary = "Obeys the words of the text";
  static constexpr uint64_t may = TM_MAP | TM_FILTER | TM_EXPAND | TM_PURE;
  static constexpr std::string_view config_schema =
      R"({"type": "object", "additionalProperties": false, "properties": {
        "with": {"type": "string"}, "loud": {"type": "boolean"},
        "times": {"type": "integer", "minimum": 0, "maximum": 9},
        "file": {"type": "string", "format": "resource"}, "deep": {"type": "object"}}})";

  Everything(const textmill::Options &options, textmill::Plan &plan)
      : with_(options.text("with").value_or("")),
        loud_(options.boolean("loud", false)),
        times_(options.integer("times", 2)),
        file_(options.file("/file").value_or("no file")),
        title_(plan.reads("title", TM_TEXT)),
        count_(plan.reads("count", TM_INT)),
        text_(plan.writes("a-text", TM_TEXT)),
        number_(plan.writes("number", TM_INT)),
        truth_(plan.writes("truth", TM_BOOL)),
        json_(plan.writes("json", TM_JSON)),
        cut_(plan.deletes("cut", "It was told to.")),
        put_(plan.rewrites("put", "It was told to.")),
        drop_(plan.drops("drop", "It was told to.")),
        emits_(plan.emits()) {
    plan.claim(TM_PURE);
    if (with_ == "broken") throw std::runtime_error("it was told not to open");
    if (with_ == "wrong") throw textmill::ConfigError("/with", "is `wrong`");
  }

  void process(textmill::Document &doc) const {
    const std::string_view text = doc.text();
    if (has(text, "REWRITE")) doc.rewrite(std::string(text) + with_, put_);
    /* In no order: it is the wrapper's to sort them. */
    each(text, "REPLACE", [&](size_t start, size_t end) { doc.replace(start, end, with_, put_); });
    each(text, "REMOVE", [&](size_t start, size_t end) { doc.remove(start, end, cut_); });
    if (has(text, "SET")) set(doc);
    if (has(text, "EMIT"))
      for (int64_t i = 1; i <= times_; i++) {
        const std::vector<std::pair<textmill::Write, std::string>> fields = {{number_, std::to_string(i)}};
        doc.emit("child", fields, emits_);
      }
    if (has(text, "SCORE")) doc.score("length", static_cast<double>(text.size()), 3), doc.score("none", 0);
    if (has(text, "DROP")) doc.drop(drop_);
    /* Last, so that all before is discarded. */
    if (has(text, "THROW")) throw std::runtime_error("it was told to throw");
    if (has(text, "ODDITY")) throw 7;
  }

 private:
  static bool has(std::string_view text, std::string_view word) { return text.find(word) != text.npos; }

  template <typename Do>
  static void each(std::string_view text, std::string_view word, Do act) {
    for (size_t at = 0; (at = text.find(word, at)) != text.npos; at += word.size()) act(at, at + word.size());
  }

  void set(textmill::Document &doc) const {
    doc.set(text_, std::string(doc.get(title_).value_or("no title")));
    doc.set(number_, static_cast<int64_t>(doc.get(count_) ? std::stoll(std::string(*doc.get(count_))) + 1 : -1));
    if (loud_) doc.unset(truth_);
    else doc.set(truth_, true);
    doc.set(json_, "{\"file\": " + std::to_string(file_.size()) + "}");
  }

  std::string with_;
  bool loud_;
  int64_t times_;
  std::string_view file_;
  textmill::Read title_, count_;
  textmill::Write text_, number_, truth_, json_;
  textmill::Deletes cut_;
  textmill::Rewrites put_;
  textmill::Drops drop_;
  textmill::Emits emits_;
};

TM_PLUGIN("everything in C++", "0.1.0", "MIT OR Apache-2.0", Everything)
