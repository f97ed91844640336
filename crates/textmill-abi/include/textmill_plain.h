/* textmill_plain.h: conveniences for plugins in plain C. Not part of the contract: all of it is compiled into the plugin
 * that includes it, none of it allocates, and a plugin can do without.
 *
 * It reads options. They cross as one JSON object that is well-formed and has passed the schema of the stage, so what is
 * here only has to find things, not to check them. For options that are more than numbers, words and switches use a JSON
 * library. */
#ifndef TEXTMILL_PLAIN_H
#define TEXTMILL_PLAIN_H

#include <stdlib.h>
#include <string.h>

#include "textmill_plugin.h"

/* A tm_str of a string that is terminated by a NUL. */
static inline tm_str tm_text(const char *text) {
  tm_str str;
  str.ptr = (const uint8_t *)text;
  str.len = strlen(text);
  return str;
}

/* The JSON value at the beginning of [at, end): the byte after it. */
static inline const uint8_t *tm_json_end(const uint8_t *at, const uint8_t *end) {
  int depth = 0, quoted = 0;
  for (; at < end; at++) {
    if (quoted) {
      if (*at == '\\') at++;
      else if (*at == '"') quoted = 0;
    } else if (*at == '"') {
      quoted = 1;
    } else if (*at == '{' || *at == '[') {
      depth++;
    } else if (depth == 0 && (*at == ',' || *at == ':' || *at == '}' || *at == ']')) {
      break;
    } else if (*at == '}' || *at == ']') {
      depth--;
    }
  }
  return at;
}

static inline tm_str tm_json_trim(const uint8_t *at, const uint8_t *end) {
  tm_str str;
  while (at < end && strchr(" \t\r\n", *at) && *at) at++;
  while (at < end && strchr(" \t\r\n", end[-1]) && end[-1]) end--;
  str.ptr = at;
  str.len = (size_t)(end - at);
  return str;
}

/* The value of a member of a JSON object, as JSON; absent if there is no such member or it is null. `key` has no
 * characters that JSON escapes, as no option of a sane name has. */
static inline tm_str tm_json_member(tm_str object, const char *key) {
  const tm_str absent = {NULL, 0};
  const size_t len = strlen(key);
  const uint8_t *at = object.ptr, *const end = object.ptr ? object.ptr + object.len : NULL;
  while (at < end) {
    const uint8_t *const name_end = tm_json_end(at + 1, end); /* at `{` or `,` */
    const tm_str name = tm_json_trim(at + 1, name_end);
    const uint8_t *value_end;
    if (name_end == end || *name_end != ':') break;
    value_end = tm_json_end(name_end + 1, end);
    if (name.len == len + 2 && memcmp(name.ptr + 1, key, len) == 0) {
      const tm_str value = tm_json_trim(name_end + 1, value_end);
      return value.len == 4 && memcmp(value.ptr, "null", 4) == 0 ? absent : value;
    }
    at = value_end;
  }
  return absent;
}

/* The whole number that a JSON value is, or `otherwise` if it is absent. An exponent is not read: numbers of more than 15
 * digits may have one, so give the option a `maximum`. */
static inline int64_t tm_json_int(tm_str value, int64_t otherwise) {
  char digits[24];
  if (value.ptr == NULL || value.len >= sizeof digits) return otherwise;
  memcpy(digits, value.ptr, value.len);
  digits[value.len] = 0;
  return strtoll(digits, NULL, 10);
}

/* Whether a JSON value is true, or `otherwise` if it is absent. */
static inline int tm_json_bool(tm_str value, int otherwise) {
  return value.ptr == NULL ? otherwise : *value.ptr == 't';
}

static inline uint32_t tm_json_hex(const uint8_t *digits) {
  uint32_t code = 0;
  for (int i = 0; i < 4; i++) {
    const uint8_t c = digits[i];
    code = code * 16 + (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return code;
}

/* Writes the text of a JSON string to `out`, which has room for value.len bytes, and gives its length: 0 for no string. */
static inline size_t tm_json_text(tm_str value, uint8_t *out) {
  uint8_t *to = out;
  if (value.len < 2 || *value.ptr != '"') return 0;
  for (const uint8_t *at = value.ptr + 1, *const end = value.ptr + value.len - 1; at < end; at++) {
    static const char from[] = "bfnrt", into[] = "\b\f\n\r\t";
    const char *escape;
    uint32_t code;
    if (*at != '\\') {
      *to++ = *at;
      continue;
    }
    at++;
    if (*at != 'u') {
      escape = strchr(from, *at);
      *to++ = escape ? (uint8_t)into[escape - from] : *at;
      continue;
    }
    code = tm_json_hex(at + 1);
    at += 4;
    if (code >= 0xd800 && code < 0xdc00) { /* the first half of a pair */
      code = 0x10000 + ((code - 0xd800) << 10) + (tm_json_hex(at + 3) - 0xdc00);
      at += 6;
    }
    if (code < 0x80) {
      *to++ = (uint8_t)code;
      continue;
    }
    if (code >= 0x10000) {
      *to++ = (uint8_t)(0xf0 | code >> 18);
      *to++ = (uint8_t)(0x80 | (code >> 12 & 0x3f));
    } else if (code >= 0x800) {
      *to++ = (uint8_t)(0xe0 | code >> 12);
    }
    if (code >= 0x800) *to++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    else *to++ = (uint8_t)(0xc0 | code >> 6);
    *to++ = (uint8_t)(0x80 | (code & 0x3f));
  }
  return (size_t)(to - out);
}

#endif
