#include "reader.h"

#include <fcntl.h>

#include <algorithm>
#include <cmath>

namespace vzshell {

namespace {

/** A value in the words of whoever wrote it: `'nat' (string)`. */
std::string describe(Napi::Value value) {
  switch (value.Type()) {
    case napi_undefined:
      return "nothing";
    case napi_null:
      return "null";
    case napi_boolean:
      return value.As<Napi::Boolean>().Value() ? "true" : "false";
    case napi_number: {
      const std::string text = value.ToString().Utf8Value();
      return text + " (number)";
    }
    case napi_string: {
      std::string text = value.As<Napi::String>().Utf8Value();
      if (text.size() > 60) text = text.substr(0, 57) + "...";
      return "'" + text + "'";
    }
    case napi_function:
      return "a function";
    case napi_symbol:
      return "a symbol";
    case napi_bigint:
      return "a bigint";
    default:
      return value.IsArray() ? "an array" : "an object";
  }
}

}  // namespace

void Reader::expected(const char *what) const {
  if (reading_.failed()) return;
  invalid(std::string("expected ") + what + ", got " + describe(value_));
}

bool Reader::isPlainObject() const {
  if (reading_.failed()) return false;
  if (value_.IsObject() && !value_.IsArray() && !value_.IsFunction()) return true;
  expected("an object");
  return false;
}

void Reader::keys(std::initializer_list<const char *> names) const {
  if (!isPlainObject()) return;
  const Napi::Array present = value_.As<Napi::Object>().GetPropertyNames();
  if (reading_.failed()) return;
  for (uint32_t i = 0; i < present.Length(); i++) {
    const Napi::Value key = present.Get(i);
    if (reading_.failed()) return;
    const std::string name = key.ToString().Utf8Value();
    const bool known = std::any_of(names.begin(), names.end(), [&](const char *each) { return name == each; });
    if (!known) return reading_.fail(Failure::invalid(join(name), "there is no such option"));
  }
}

Reader Reader::get(const char *name) const {
  const std::string path = join(name);
  if (!isPlainObject()) return Reader(reading_, reading_.env.Undefined(), path);
  const Napi::Value value = value_.As<Napi::Object>().Get(name);
  return Reader(reading_, reading_.failed() ? reading_.env.Undefined() : value, path);
}

bool Reader::boolean() const {
  if (value_.IsBoolean()) return value_.As<Napi::Boolean>().Value();
  expected("true or false");
  return false;
}

uint64_t Reader::number(uint64_t least, uint64_t most) const {
  if (value_.IsNumber()) {
    const double number = value_.As<Napi::Number>().DoubleValue();
    const double bounded = static_cast<double>(most);
    if (std::trunc(number) == number && number >= static_cast<double>(least) && number <= bounded) {
      return static_cast<uint64_t>(number);
    }
  }
  expected(("a whole number from " + std::to_string(least) + " to " + std::to_string(most)).c_str());
  return least;
}

std::string Reader::text(size_t most) const {
  if (!value_.IsString()) {
    expected("text");
    return "";
  }
  std::string text = value_.As<Napi::String>().Utf8Value();
  if (text.find('\0') != std::string::npos) invalid("has a NUL byte in it");
  if (text.size() > most) invalid("is longer than " + std::to_string(most) + " bytes");
  return reading_.failed() ? "" : text;
}

std::string Reader::file() const {
  const std::string path = text(4096);
  if (!reading_.failed() && (path.empty() || path[0] != '/')) expected("an absolute path");
  return path;
}

int Reader::descriptor() const {
  const int number = static_cast<int>(this->number(0, INT32_MAX));
  if (!reading_.failed() && fcntl(number, F_GETFD) < 0) {
    invalid("descriptor " + std::to_string(number) + " is not open");
  }
  return number;
}

size_t Reader::word(std::initializer_list<const char *> words) const {
  std::string list;
  size_t index = 0;
  const std::string text = value_.IsString() ? value_.As<Napi::String>().Utf8Value() : "";
  for (const char *each : words) {
    if (text == each) return index;
    list += (index == 0 ? "" : index + 1 == words.size() ? " or " : ", ") + ("'" + std::string(each) + "'");
    index++;
  }
  expected(list.c_str());
  return 0;
}

void Reader::each(size_t most, const std::function<void(const Reader &)> &element) const {
  if (reading_.failed()) return;
  if (!value_.IsArray()) return expected("an array");
  const Napi::Array array = value_.As<Napi::Array>();
  const uint32_t length = array.Length();
  if (length > most) return invalid("has " + std::to_string(length) + " entries, at most " + std::to_string(most) + " work");
  for (uint32_t i = 0; i < length && !reading_.failed(); i++) {
    const Napi::HandleScope scope(reading_.env);
    const Napi::Value value = array.Get(i);
    if (!reading_.failed()) element(Reader(reading_, value, at(path_, i)));
  }
}

void Reader::entries(size_t most, const std::function<void(const std::string &, const Reader &)> &entry) const {
  if (!isPlainObject()) return;
  const Napi::Object object = value_.As<Napi::Object>();
  const Napi::Array names = object.GetPropertyNames();
  if (reading_.failed()) return;
  if (names.Length() > most) return invalid("has more than " + std::to_string(most) + " entries");
  for (uint32_t i = 0; i < names.Length() && !reading_.failed(); i++) {
    const Napi::HandleScope scope(reading_.env);
    const Napi::Value key = names.Get(i);
    if (reading_.failed()) return;
    const Napi::Value value = object.Get(key);
    if (reading_.failed()) return;
    const std::string name = key.ToString().Utf8Value();
    if (name.find('\0') != std::string::npos) return invalid("has a name with a NUL byte in it");
    entry(name, Reader(reading_, value, path_ + "['" + name + "']"));
  }
}

}  // namespace vzshell
