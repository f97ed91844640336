/* The stage `strip-word` in C++17. */
#include <textmill_plugin.hpp>

class StripWord {
 public:
  static constexpr std::string_view name = "strip-word";
  static constexpr std::string_view summary = "Removes a word wherever it stands";
  static constexpr uint64_t may = TM_MAP | TM_FILTER | TM_ONLY_DELETES | TM_PURE;
  static constexpr std::string_view config_schema =
      R"({"type": "object", "additionalProperties": false, "required": ["word"], "properties": {
        "word": {"type": "string", "minLength": 1, "description": "The word."},
        "at-most": {"type": "integer", "minimum": 0, "maximum": 1000000000,
          "description": "Texts that have it more often are dropped."}}, "examples": [{"word": "very"}]})";

  StripWord(const textmill::Options &options, textmill::Plan &plan)
      : word_(options.text("word").value()),
        at_most_(options.integer("at-most", INT64_MAX)),
        removed_(plan.writes("removed", TM_INT)),
        cut_(plan.deletes("word", "It is the word that the options name.")),
        too_many_(plan.drops("too-many", "The text has the word more often than `at-most`.")) {
    plan.claim(TM_PURE);
    if (word_.find(' ') != std::string::npos) throw textmill::ConfigError("/word", "one word has no space in it");
  }

  void process(textmill::Document &doc) const {
    const std::string_view text = doc.text();
    int64_t removed = 0;
    if (text.find('\0') != text.npos) throw std::runtime_error("the text has a NUL");
    for (size_t at = 0; (at = text.find(word_, at)) != text.npos; at += word_.size(), removed++)
      doc.remove(at, at + word_.size(), cut_);
    doc.set(removed_, removed);
    if (removed > at_most_) doc.drop(too_many_);
  }

 private:
  std::string word_;
  int64_t at_most_;
  textmill::Write removed_;
  textmill::Deletes cut_;
  textmill::Drops too_many_;
};

TM_PLUGIN("strip-word in C++", "0.1.0", "MIT OR Apache-2.0", StripWord)
