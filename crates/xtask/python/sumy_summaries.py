#!/usr/bin/env python3
"""Summaries by sumy: sumy_summaries.py SENTENCES.jsonl FOLDER

Reads documents with `id` and `sentences`; writes FOLDER/METHOD-3-sentences.jsonl and FOLDER/METHOD-60-words.jsonl for
LexRank and TextRank, and prints one line of JSON per method with the seconds of processor time that it took, so that whatever else the
machine does is not counted.

sumy finds sentences and words with data of NLTK that must be downloaded. Here it is given our sentences, and words by
NLTK's tokenizer that needs no data. So the time, from a document's sentences to its summary, has no finding of sentences
in it. Everything else is sumy as its manual uses it: stemmer and stop words of English.
"""
import json
import os
import sys
import time

from nltk.tokenize import NLTKWordTokenizer
from sumy.models.dom import ObjectDocumentModel, Paragraph, Sentence
from sumy.nlp.stemmers import Stemmer
from sumy.nlp.tokenizers import Tokenizer
from sumy.summarizers.lex_rank import LexRankSummarizer
from sumy.summarizers.text_rank import TextRankSummarizer
from sumy.utils import get_stop_words

METHODS = {"lexrank": LexRankSummarizer, "textrank": TextRankSummarizer}


class WordTokenizer(Tokenizer):
    """sumy's tokenizer without the part that needs data."""

    def __init__(self):
        self._language = "english"
        self._word_tokenizer = NLTKWordTokenizer()


class Ranked:
    """A budget that takes three sentences and remembers the whole ranking."""

    def __call__(self, infos):
        self.infos = infos
        return infos[:3]

    def within(self, words):
        """Whole sentences that fit, best first, and at least one; spent as `summarize` spends its budget in words."""
        chosen, spent = [], 0
        for info in self.infos:
            length = len(str(info.sentence).split())
            if not chosen or spent + length <= words:
                chosen.append(info)
                spent += length
            elif 2 * spent >= words:
                break
        return [info.sentence for info in sorted(chosen, key=lambda info: info.order)]


def summarize(summarizer, tokenizer, sentences):
    ranked = Ranked()
    ranked.infos = []
    document = ObjectDocumentModel([Paragraph([Sentence(text, tokenizer) for text in sentences])])
    best = summarizer(document, ranked)
    return [str(sentence) for sentence in best], ranked


def write(path, rows):
    with open(path, "w", encoding="utf-8") as f:
        for key, summary in rows:
            print(json.dumps({"id": key, "summary": summary}, ensure_ascii=False), file=f)


def run(name, documents, folder):
    summarizer = METHODS[name](Stemmer("english"))
    summarizer.stop_words = get_stop_words("english")
    tokenizer = WordTokenizer()
    three, sixty, seconds = [], [], 0.0
    for document in documents:
        begin = time.process_time()
        best, ranked = summarize(summarizer, tokenizer, document["sentences"])
        seconds += time.process_time() - begin
        three.append((document["id"], best))
        sixty.append((document["id"], [str(sentence) for sentence in ranked.within(60)]))
    write(os.path.join(folder, name + "-3-sentences.jsonl"), three)
    write(os.path.join(folder, name + "-60-words.jsonl"), sixty)
    print(json.dumps({"method": name, "seconds": seconds}))


def main():
    path, folder = sys.argv[1:]
    with open(path, encoding="utf-8") as f:
        documents = [json.loads(line) for line in f]
    for name in METHODS:
        run(name, documents, folder)


if __name__ == "__main__":
    main()
